"""Results: tracked runs as one table, and what can be said about it. Nothing here imports torch."""
