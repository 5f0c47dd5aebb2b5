"""Evaluators: they extract features from samples and assign them to modes. All metrics are based on these features.

Images are evaluated by a frozen classifier (`classifier.py`, `stacked.py`), points by the exact geometry of their
mixture (`mixture.py`).
"""

from __future__ import annotations

from ganbench.data.evaluators.base import Evaluator, Features, Reference

__all__ = ["Evaluator", "Features", "Reference"]
