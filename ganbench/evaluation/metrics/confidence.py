"""Confidence of the evaluator."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics import METRICS, Direction, Metric


@register(METRICS, "confidence")
class Confidence(Metric):
    """Mean probability that the evaluator gives to the class it chose, in [0, 1] (ganbench, version 1).

    A classifier can be sure of what is no image at all: this finds little, but explains other numbers.
    """

    direction: ClassVar[Direction] = "real"

    def __call__(self, *, fake: Features, real: Reference) -> float:
        return float(fake.confidence.double().mean())
