"""Training: a spec and a list of seeds become a stream of snapshots.

It knows no metric and no tracker. All state has a leading seed axis; one code path trains one seed or sixty-four.
"""
