"""Scripts that cause failures during a sweep and count what was lost; `make chaos` runs them all.

They take minutes, and some need Ray, PostgreSQL or root, so they are not part of `make test`. Each prints what it did,
and ends with status 1 if a guarantee of docs/reliability.md was violated.
"""
