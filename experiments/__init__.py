"""Experiments: sweeps as TOML, and the scripts that measured what the documentation says."""
