"""Maximum mean discrepancy of features."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric, PairStatistic
from ganbench.evaluation.metrics.pairs import PairStatistics


@register(METRICS, "kid")
class Kid(Metric):
    """Squared MMD with the kernel (x·y / d + 1)³ on the evaluator's features (Bińkowski et al. 2018, arXiv:1801.01401).

    The unbiased U-statistic, so it may be a little negative, and different N can be compared. Papers average it over
    random subsets; over all subsets that mean is the value for the whole sets, which is computed here, of the first
    `samples` of either.
    """

    direction: ClassVar[Direction] = "lower"
    label: ClassVar[str] = "KID"
    names_evaluator: ClassVar[bool] = True
    sees: ClassVar[frozenset[Fault]] = frozenset({"missing-modes", "off-mode"})
    pair_statistics: ClassVar[frozenset[PairStatistic]] = frozenset({"kernel"})

    samples: int = 10_000

    def __call__(self, *, fake: Features, real: Reference) -> float:
        within_fake, within_real, across = PairStatistics.of(fake, real, self.samples).kernel_means()
        return within_fake + within_real - 2 * across
