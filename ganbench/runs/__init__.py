"""Runs: seeds of a spec trained, evaluated and tracked; alone, or as tasks of a sweep."""
