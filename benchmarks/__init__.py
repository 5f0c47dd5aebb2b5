"""Benchmarks of the claims about speed and memory, each against a fair baseline; run by `make bench`."""
