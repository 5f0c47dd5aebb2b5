"""Core: what three folders or more need; it imports nothing of ours."""
