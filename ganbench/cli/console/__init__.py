"""The console: what a command prints."""
