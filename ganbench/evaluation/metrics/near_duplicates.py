"""Share of samples that are near-duplicates of others in the set."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric, PairStatistic
from ganbench.evaluation.metrics.pairs import PairStatistics
from ganbench.evaluation.metrics.pairs_within import PairsWithin

ALPHA = 0.01
"""Share of real samples that count as near-duplicates."""


@register(METRICS, "near_duplicates")
class NearDuplicates(Metric):
    """Share of samples whose nearest neighbour is nearer than that of 99 % of real samples (ganbench, version 1).

    The first samples of both sets are used, the same number of each, because nearest distances shrink with the number
    of samples. So real data score about 1 %, and a sampler that repeats itself approaches 1. A lower share than that of
    real data is no merit: noise has no near-duplicates.
    """

    direction: ClassVar[Direction] = "real"
    label: ClassVar[str] = "near-duplicates"
    sees: ClassVar[frozenset[Fault]] = frozenset({"duplicates"})
    pair_statistics: ClassVar[frozenset[PairStatistic]] = frozenset({"neighbours"})

    alpha: float = ALPHA
    samples: int = 10_000

    def __call__(self, *, fake: Features, real: Reference) -> float:
        pairs = PairStatistics.of(fake, real, self.samples)
        near = pairs.fake.radii(1) <= threshold(pairs.real, self.alpha)
        return float(near.double().mean())


def threshold(real: PairsWithin, alpha: float) -> Tensor:
    """The quantile `alpha` of squared distances of real samples to their nearest other one, scalar."""
    return real.radii(1).quantile(alpha)
