"""How many different samples a generator can make."""

from __future__ import annotations

from typing import ClassVar

from ganbench.evaluators import Features, Reference
from ganbench.metrics import METRICS, Direction, Fault, Metric
from ganbench.metrics.near_duplicates import ALPHA, threshold
from ganbench.metrics.neighbours import others
from ganbench.registry import register


@register(METRICS, "support")
class Support(Metric):
    """Number of different samples that it can make, by the birthday test (Arora & Zhang 2017, arXiv:1706.08224).

    Pairs of samples, N (N − 1) / 2, over pairs of near-duplicates: a uniform sampler of S different ones makes the
    same again in one of S pairs. What is a near-duplicate is known as in `near-duplicates`, so real data score about
    N / `alpha`, and more can't be told from that. Without a single near-duplicate, the number of pairs is the least
    that it can be.
    """

    direction: ClassVar[Direction] = "higher"
    sees: ClassVar[frozenset[Fault]] = frozenset({"duplicates"})

    alpha: float = ALPHA
    samples: int = 10_000

    def __call__(self, *, fake: Features, real: Reference) -> float:
        count = min(len(fake), len(real), self.samples)
        near = threshold(real, count, self.alpha)
        found = sum(int((block <= near).sum()) for block in others(fake.embedding[:count])) // 2
        return count * (count - 1) / 2 / max(found, 1)
