"""Share of real samples with a generated one nearby, in the second network's features."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.evaluation.metrics.base import METRICS, Fault, PairStatistic
from ganbench.evaluation.metrics.coverage import Coverage
from ganbench.evaluation.metrics.second_space import InSecondSpace


@register(METRICS, "second_coverage")
class SecondCoverage(InSecondSpace, Coverage):
    """`coverage` in the second network's features (after Naeem et al. 2020, arXiv:2002.09797).

    Up to 5,000 samples of either set count, not 10,000, for a quarter of the time, so values differ from those of
    `coverage` for that reason, too. Undefined without a second network.
    """

    label: ClassVar[str] = "coverage in the second network's features"
    sees: ClassVar[frozenset[Fault]] = frozenset({"shrunken-modes", "duplicates"})
    pair_statistics: ClassVar[frozenset[PairStatistic]] = frozenset()  # those of the samples as they are

    samples: int = 5_000
