"""Share of the real data that is generated, in the second network's features."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.evaluation.metrics.base import METRICS, Fault, PairStatistic
from ganbench.evaluation.metrics.recall import Recall
from ganbench.evaluation.metrics.second_space import InSecondSpace


@register(METRICS, "second_recall")
class SecondRecall(InSecondSpace, Recall):
    """`recall` in the second network's features (after Kynkäänniemi et al. 2019, arXiv:1904.06991).

    Up to 5,000 samples of either set count, not 10,000, for a quarter of the time, so values differ from those of
    `recall` for that reason, too. Undefined without a second network.
    """

    label: ClassVar[str] = "recall in the second network's features"
    sees: ClassVar[frozenset[Fault]] = frozenset({"shrunken-modes"})
    pair_statistics: ClassVar[frozenset[PairStatistic]] = frozenset()  # those of the samples as they are

    samples: int = 5_000
