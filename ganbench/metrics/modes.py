"""How many classes appear at all."""

from __future__ import annotations

from typing import ClassVar

from ganbench.metrics import METRICS, Direction, Metric
from ganbench.metrics.evaluator import Features
from ganbench.registry import register


@register(METRICS, "modes")
class Modes(Metric):
    """Classes hit by at least one sample, sure or not: the classic count (Metz et al. 2017, arXiv:1611.02163)."""

    direction: ClassVar[Direction] = "higher"

    def __call__(self, *, fake: Features, real: Features) -> float:
        return float((fake.class_counts() > 0).sum())
