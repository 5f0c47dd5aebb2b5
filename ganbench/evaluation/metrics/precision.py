"""Share of generated samples that look real."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric, PairStatistic
from ganbench.evaluation.metrics.pairs import PairStatistics


@register(METRICS, "precision")
class Precision(Metric):
    """Share of generated samples inside the k-NN ball of a real one (Kynkäänniemi et al. 2019, arXiv:1904.06991).

    A sample's k-NN ball reaches to its k-th nearest neighbour in its own set. In [0, 1]; real data don't score 1, and a
    generator can raise it by giving up variety. The first samples of both sets are used, the same number of each,
    because the value depends on the number of samples.
    """

    direction: ClassVar[Direction] = "real"
    sees: ClassVar[frozenset[Fault]] = frozenset({"off-mode"})
    pair_statistics: ClassVar[frozenset[PairStatistic]] = frozenset({"neighbours", "balls"})

    k: int = 3
    samples: int = 10_000

    def __call__(self, *, fake: Features, real: Reference) -> float:
        pairs = PairStatistics.of(fake, real, self.samples)
        return float((pairs.balls(self.k).around_fake > 0).double().mean())
