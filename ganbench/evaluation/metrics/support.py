"""Number of different samples that a generator can make."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics import METRICS, Direction, Fault, Metric
from ganbench.evaluation.metrics.near_duplicates import ALPHA, threshold
from ganbench.evaluation.metrics.neighbours import near_pairs


@register(METRICS, "support")
class Support(Metric):
    """Number of different samples that it can make, by the birthday test (Arora & Zhang 2017, arXiv:1706.08224).

    Pairs of samples, N (N − 1) / 2, over pairs of near-duplicates: a uniform sampler of S different ones makes the
    same again in one of S pairs. What is a near-duplicate is known as in `near-duplicates`, so real data score about
    N / `alpha`. More can't be told from that: it is the most that is reported.
    """

    direction: ClassVar[Direction] = "higher"
    sees: ClassVar[frozenset[Fault]] = frozenset({"duplicates"})
    ratio: ClassVar[bool] = True

    alpha: float = ALPHA
    samples: int = 10_000

    def __call__(self, *, fake: Features, real: Reference) -> float:
        count = min(len(fake), len(real), self.samples)
        by_chance = self._pairs(real, real, count)
        return count * (count - 1) / 2 / max(self._pairs(fake, real, count), by_chance)

    def _pairs(self, features: Features, real: Reference, count: int) -> int:
        """Number of pairs of near-duplicates among the first `count`; at least one."""
        return max(1, near_pairs(features, count, threshold(real, count, self.alpha)))
