"""Density of real samples around generated ones."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric, PairStatistic
from ganbench.evaluation.metrics.pairs import PairStatistics


@register(METRICS, "density")
class Density(Metric):
    """Number of real k-NN balls that contain a sample, divided by k (Naeem et al. 2020, arXiv:2002.09797).

    Mean over samples; about 1 for real data, 0 far away from them, above 1 in dense regions. Both sets count
    equally many samples, as in `precision`.
    """

    direction: ClassVar[Direction] = "real"
    sees: ClassVar[frozenset[Fault]] = frozenset({"off-mode"})
    pair_statistics: ClassVar[frozenset[PairStatistic]] = frozenset({"neighbours", "balls"})

    k: int = 5
    samples: int = 10_000

    def __call__(self, *, fake: Features, real: Reference) -> float:
        pairs = PairStatistics.of(fake, real, self.samples)
        return float(pairs.balls(self.k).around_fake.double().mean()) / self.k
