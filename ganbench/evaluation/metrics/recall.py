"""Share of the real data that is generated."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric, PairStatistic
from ganbench.evaluation.metrics.pairs import PairStatistics


@register(METRICS, "recall")
class Recall(Metric):
    """Share of real samples inside the k-NN ball of a generated one (Kynkäänniemi et al. 2019, arXiv:1904.06991).

    In [0, 1]; real data don't score 1, and outliers raise it with their wide balls. Both sets count
    equally many samples, as in `precision`.
    """

    direction: ClassVar[Direction] = "real"
    sees: ClassVar[frozenset[Fault]] = frozenset({"missing-modes", "shrunken-modes"})
    pair_statistics: ClassVar[frozenset[PairStatistic]] = frozenset({"neighbours", "balls"})

    k: int = 3
    samples: int = 10_000

    def __call__(self, *, fake: Features, real: Reference) -> float:
        pairs = PairStatistics.of(fake, real, self.samples)
        return float(pairs.balls(self.k).real_inside.double().mean())
