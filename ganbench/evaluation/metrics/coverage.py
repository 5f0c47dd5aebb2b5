"""Share of real samples with a generated one nearby."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric, PairStatistic
from ganbench.evaluation.metrics.pairs import PairStatistics


@register(METRICS, "coverage")
class Coverage(Metric):
    """Share of real samples whose k-NN ball contains a generated sample (Naeem et al. 2020, arXiv:2002.09797).

    In [0, 1]; about 1 − 2^(−k) for real data, and unlike in `recall`, outliers don't raise it. Both sets
    count equally many samples, as in `precision`.
    """

    direction: ClassVar[Direction] = "higher"
    sees: ClassVar[frozenset[Fault]] = frozenset({"missing-modes", "shrunken-modes", "duplicates"})
    pair_statistics: ClassVar[frozenset[PairStatistic]] = frozenset({"neighbours", "balls"})

    k: int = 5
    samples: int = 10_000

    def __call__(self, *, fake: Features, real: Reference) -> float:
        pairs = PairStatistics.of(fake, real, self.samples)
        covered = pairs.balls(self.k).nearest < pairs.real.radii(self.k)
        return float(covered.double().mean())

    def ceiling(self, real: Reference) -> float:
        return 1.0
