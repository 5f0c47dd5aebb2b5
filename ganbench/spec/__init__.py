"""Specs: what is asked for, resolved and checked."""
