"""Scripts that break things under a running sweep, and count what was lost: `make chaos` runs them all.

They take minutes, some want Ray, PostgreSQL or root, and so they are no part of `make test`. Each prints what it did
and ends with status 1 where a promise of docs/reliability.md was broken.
"""
