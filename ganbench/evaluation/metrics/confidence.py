"""Confidence of the evaluator."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Metric


@register(METRICS, "confidence")
class Confidence(Metric):
    """Mean probability that the evaluator gives to its predicted class, in [0, 1] (ganbench, version 1).

    A classifier can be confident even on noise: this metric detects little, but helps to interpret others.
    """

    direction: ClassVar[Direction] = "real"
    from_modes: ClassVar[bool] = True

    def __call__(self, *, fake: Features, real: Reference) -> float:
        return float(fake.confidence.double().mean())
