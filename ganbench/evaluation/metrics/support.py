"""Number of different samples that a generator can make."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric, PairStatistic, Scale
from ganbench.evaluation.metrics.near_duplicates import ALPHA, threshold
from ganbench.evaluation.metrics.pairs import PairStatistics


@register(METRICS, "support")
class Support(Metric):
    """Number of different samples a generator can make, by the birthday test (Arora & Zhang 2017, arXiv:1706.08224).

    Pairs of samples, N (N − 1) / 2, over pairs of near-duplicates: for a uniform sampler of S different ones, one in
    S pairs repeats a sample. Near-duplicates are defined as in `near_duplicates`, so real data score about N / `alpha`.
    Larger supports can't be distinguished from this, so it is the largest value reported.
    """

    direction: ClassVar[Direction] = "higher"
    sees: ClassVar[frozenset[Fault]] = frozenset({"duplicates"})
    pair_statistics: ClassVar[frozenset[PairStatistic]] = frozenset({"neighbours"})
    label: ClassVar[str] = "number of different samples"
    scale: ClassVar[Scale] = "log"

    alpha: float = ALPHA
    samples: int = 10_000

    def __call__(self, *, fake: Features, real: Reference) -> float:
        pairs = PairStatistics.of(fake, real, self.samples)
        count, near = len(pairs.real), threshold(pairs.real, self.alpha)
        return count * (count - 1) / 2 / max(1, pairs.fake.near_pairs(near), pairs.real.near_pairs(near))
