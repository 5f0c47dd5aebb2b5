"""Core: code used by three or more folders; it imports no other part of ganbench."""
