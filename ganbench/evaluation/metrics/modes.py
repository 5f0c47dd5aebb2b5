"""Number of modes that appear at all."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric


@register(METRICS, "modes")
class Modes(Metric):
    """Modes hit by at least one sample that the protocol's rule accepts (Metz et al. 2017, arXiv:1611.02163).

    The classic count. If the rule accepts every sample, as the published ones do for images, a classifier's errors
    add spurious modes.
    """

    direction: ClassVar[Direction] = "higher"
    from_modes: ClassVar[bool] = True
    label: ClassVar[str] = "modes hit at least once"
    sees: ClassVar[frozenset[Fault]] = frozenset({"missing-modes"})

    least: int = 1

    def __call__(self, *, fake: Features, real: Reference) -> float:
        return float((fake.counts(good=True) >= self.least).sum())

    def ceiling(self, real: Reference) -> float:
        return float(real.modes)
