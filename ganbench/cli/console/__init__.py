"""Console output of the commands."""
