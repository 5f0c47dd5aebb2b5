"""Training: turns a spec and a list of seeds into a stream of snapshots.

It is independent of metrics and trackers. All state has a leading seed axis; one code path trains one seed or
sixty-four.
"""
