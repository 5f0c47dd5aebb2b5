"""Maximum mean discrepancy of features."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from ganbench.evaluators import Features, Reference
from ganbench.metrics import METRICS, Direction, Fault, Metric, UndefinedMetricError
from ganbench.metrics.neighbours import keep, rows_of_a_block
from ganbench.registry import register


@register(METRICS, "kid")
class Kid(Metric):
    """Squared MMD with the kernel (x·y / d + 1)³ on the evaluator's features (Bińkowski et al. 2018, arXiv:1801.01401).

    The unbiased U-statistic, so it may be a little negative, and different N can be compared. Papers average it over
    random subsets; over all subsets that mean is the value for the whole sets, which is computed here, of the first
    `samples` of either.
    """

    direction: ClassVar[Direction] = "lower"
    sees: ClassVar[frozenset[Fault]] = frozenset({"missing-modes", "off-mode"})

    samples: int = 10_000

    def __call__(self, *, fake: Features, real: Reference) -> float:
        a, b = (features.embedding[: self.samples].double() for features in (fake, real))
        if min(len(a), len(b)) < 2:
            raise UndefinedMetricError("pairs need at least two samples")
        if not (bool(a.isfinite().all()) and bool(b.isfinite().all())):
            raise ValueError("embeddings must be finite")
        own = keep(real, ("kid", self.samples), lambda: _mean_of_pairs(b))
        return _mean_of_pairs(a) + own - 2 * _sum(a, b) / (len(a) * len(b))


def _mean_of_pairs(a: Tensor) -> float:
    """Mean kernel of two different samples."""
    with_itself = (a.square().sum(1) / a.shape[1] + 1).pow(3).sum()
    # A kernel is the same both ways: each block of rows meets itself and what comes after it.
    total, end = 0.0, 0
    for part in a.split(rows_of_a_block(len(a))):
        end += len(part)
        total += _sum(part, part) + 2 * _sum(part, a[end:])
    return (total - float(with_itself)) / (len(a) * (len(a) - 1))


def _sum(a: Tensor, b: Tensor) -> float:
    rows = a.split(rows_of_a_block(max(1, len(b))))
    return sum(float((part @ b.T).div_(a.shape[1]).add_(1).pow_(3).sum()) for part in rows)
