"""Density of real samples around generated ones, in the second network's features."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.evaluation.metrics.base import METRICS, Fault, PairStatistic
from ganbench.evaluation.metrics.density import Density
from ganbench.evaluation.metrics.second_space import InSecondSpace


@register(METRICS, "second_density")
class SecondDensity(InSecondSpace, Density):
    """`density` in the second network's features (after Naeem et al. 2020, arXiv:2002.09797).

    Up to 5,000 samples of either set count, not 10,000, for a quarter of the time, so values differ from those of
    `density` for that reason, too. Undefined without a second network.
    """

    label: ClassVar[str] = "density in the second network's features"
    sees: ClassVar[frozenset[Fault]] = frozenset({"off-mode"})
    pair_statistics: ClassVar[frozenset[PairStatistic]] = frozenset()  # those of the samples as they are

    samples: int = 5_000
