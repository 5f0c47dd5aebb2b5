"""Recall of the real samples of the worst mode."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric
from ganbench.evaluation.metrics.within_modes import recall_by_mode


@register(METRICS, "worst_mode_recall")
class WorstModeRecall(Metric):
    """The lowest `recall` within a mode (after Kynkäänniemi et al. 2019, arXiv:1904.06991).

    Within a mode: the share of its n real samples inside the k-NN ball of one of its first n generated samples, times
    2 m / n if there are m < n / 2 of them, because balls of few samples are wide. In [0, 1]; real data don't score 1,
    and outliers raise it, as in `recall`. Modes with fewer than 80 real samples don't count, as in
    `worst_mode_coverage`.
    """

    direction: ClassVar[Direction] = "real"
    label: ClassVar[str] = "recall of the worst mode"
    sees: ClassVar[frozenset[Fault]] = frozenset({"missing-modes", "shrunken-modes"})

    k: int = 3
    samples: int = 10_000

    def __call__(self, *, fake: Features, real: Reference) -> float:
        return min(recall_by_mode(fake, real, k=self.k, samples=self.samples).values())
