"""Coverage of the real samples of the worst mode."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric
from ganbench.evaluation.metrics.within_modes import coverage_by_mode


@register(METRICS, "worst_mode_coverage")
class WorstModeCoverage(Metric):
    """The lowest `coverage` within a mode, calibrated on real data (after Naeem et al. 2020, arXiv:2002.09797).

    Within mode k: the share of its n real samples whose k-NN ball contains one of its first n generated samples,
    divided by 1 − Π (n − 1 − i) / (2 n − 1 − i), i < k, its expectation for real data, at most 1. Both sets count
    equally many samples in total. So the worst mode of real data scores a little below 1 by chance, a mode with 30 % of
    its samples about .75, and a missing mode 0. A mode needs 80 real samples to count, and the metric is undefined if
    more than 5 % of real samples are in smaller ones, as for Stacked-MNIST.
    """

    direction: ClassVar[Direction] = "higher"
    label: ClassVar[str] = "coverage of the worst mode"
    sees: ClassVar[frozenset[Fault]] = frozenset({"missing-modes", "shrunken-modes", "imbalance"})

    k: int = 5
    samples: int = 10_000

    def __call__(self, *, fake: Features, real: Reference) -> float:
        return min(coverage_by_mode(fake, real, k=self.k, samples=self.samples).values())

    def ceiling(self, real: Reference) -> float:
        return 1.0
