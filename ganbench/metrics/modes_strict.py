"""How many classes appear beyond the evaluator's doubt."""

from __future__ import annotations

from typing import ClassVar

from ganbench.metrics import METRICS, Direction, Metric
from ganbench.metrics.evaluator import Features
from ganbench.registry import register

CONFIDENT = 0.9
"""Probability from which on the evaluator counts as sure."""
LEAST_SHARE = 0.001
"""Share of all samples that a class must hold."""


@register(METRICS, "modes-strict")
class StrictModes(Metric):
    """Classes that hold at least 0.1 % of all samples at confidence ≥ .9 (ganbench, version 1).

    It guards against stray samples that a classifier assigns to a class at random. It does not guard against images
    that are no digits at all and that the
    classifier is sure of all the same: those show in the FID.
    """

    direction: ClassVar[Direction] = "higher"

    confidence: float = CONFIDENT
    share: float = LEAST_SHARE

    def __call__(self, *, fake: Features, real: Features) -> float:
        return float((fake.class_counts(self.confidence) >= self.share * len(fake)).sum())
