"""How sure the evaluator is."""

from __future__ import annotations

from typing import ClassVar

from ganbench.metrics import METRICS, Direction, Metric
from ganbench.metrics.evaluator import Features
from ganbench.registry import register


@register(METRICS, "confidence")
class Confidence(Metric):
    """Mean probability that the evaluator gives to the class it chose, in [0, 1] (ganbench, version 1)."""

    direction: ClassVar[Direction] = "higher"

    def __call__(self, *, fake: Features, real: Features) -> float:
        return float(fake.confidence.double().mean())
