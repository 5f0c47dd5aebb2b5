"""Callbacks of training libraries that call a monitor; each file takes its library, and is imported by itself."""
