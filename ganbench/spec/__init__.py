"""Specs: the settings of a run or a sweep, resolved and checked."""
