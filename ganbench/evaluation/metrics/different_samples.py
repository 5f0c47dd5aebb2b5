"""Effective number of different samples that a generator can make."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric, PairStatistic, Scale
from ganbench.evaluation.metrics.near_duplicates import ALPHA, threshold
from ganbench.evaluation.metrics.pairs import PairStatistics


@register(METRICS, "different_samples")
class DifferentSamples(Metric):
    """Inverse Simpson index of the samples, by the birthday test (Arora & Zhang 2017, arXiv:1706.08224).

    The effective number of different samples: 1 / Σ p² of their frequencies p, estimated as pairs, N (N − 1) / 2, over
    pairs of near-duplicates. S equally frequent samples score S; but half one image plus 5,000 others, each once, score
    4, since a quarter of the pairs are that image twice. So the number says how often samples repeat, and not how many
    different ones can be made. Near-duplicates are defined as in `near_duplicates`, so real data score about
    N / `alpha`. Larger numbers can't be distinguished from this, so it is the largest value reported.
    """

    direction: ClassVar[Direction] = "higher"
    sees: ClassVar[frozenset[Fault]] = frozenset({"duplicates"})
    pair_statistics: ClassVar[frozenset[PairStatistic]] = frozenset({"neighbours"})
    label: ClassVar[str] = "effective number of different samples"
    scale: ClassVar[Scale] = "log"

    alpha: float = ALPHA
    samples: int = 10_000

    def __call__(self, *, fake: Features, real: Reference) -> float:
        return effective_number(fake, real, self.alpha, self.samples)


def effective_number(fake: Features, real: Reference, alpha: float, samples: int) -> float:
    """Pairs over near-duplicate pairs of the first samples of both sets, the same number of each."""
    pairs = PairStatistics.of(fake, real, samples)
    count, near = len(pairs.real), threshold(pairs.real, alpha)
    return count * (count - 1) / 2 / max(1, pairs.fake.near_pairs(near), pairs.real.near_pairs(near))
