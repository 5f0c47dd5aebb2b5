"""Effective number of different samples that a generator can make: the name that ganbench-1 gave it."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric, PairStatistic, Scale
from ganbench.evaluation.metrics.different_samples import effective_number
from ganbench.evaluation.metrics.near_duplicates import ALPHA


@register(METRICS, "support")
class Support(Metric):
    """Effective number of different samples, by the birthday test (Arora & Zhang 2017, arXiv:1706.08224).

    An inverse Simpson index, under the name that ganbench-1 gave it: not the number of images that a generator can
    make, which is larger if some are more frequent. See `different_samples`, which has the same values.
    """

    direction: ClassVar[Direction] = "higher"
    sees: ClassVar[frozenset[Fault]] = frozenset({"duplicates"})
    pair_statistics: ClassVar[frozenset[PairStatistic]] = frozenset({"neighbours"})
    label: ClassVar[str] = "effective number of different samples (support)"
    scale: ClassVar[Scale] = "log"

    alpha: float = ALPHA
    samples: int = 10_000

    def __call__(self, *, fake: Features, real: Reference) -> float:
        return effective_number(fake, real, self.alpha, self.samples)
