"""Data sets of a user's own: read, checked, split, with an evaluator trained for them, and kept in a folder."""

from __future__ import annotations

from ganbench.data.own.dataset import OwnDataset

__all__ = ["OwnDataset"]
