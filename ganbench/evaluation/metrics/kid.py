"""Maximum mean discrepancy of features."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric, UndefinedMetricError
from ganbench.evaluation.metrics.distances import squares
from ganbench.evaluation.metrics.memo import memoize_on
from ganbench.evaluation.metrics.neighbours import look_across, look_within


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
        a, b = (features.embedding[: self.samples].detach() for features in (fake, real))
        if min(len(a), len(b)) < 2:
            raise UndefinedMetricError("pairs need at least two samples")
        # In this order: the search within the sets is reused by the search between them.
        within = _within(fake, len(a)) + memoize_on(real, ("kid", len(b)), lambda: _within(real, len(b)))
        between = _Kernel(a, b)
        if len(a) == len(b):
            look_across(fake, real, len(a), between.add)
        else:
            for block in squares(a, b):
                between.add(block)
        return within - 2 * between.sum / (len(a) * len(b))


def _within(features: Features, count: int) -> float:
    """Mean kernel over pairs of different samples among the first `count`."""
    a = features.embedding[:count].detach()
    kernel = _Kernel(a, a)
    look_within(features, count, kernel.add)
    with_itself = (a.double().square().sum(1) / a.shape[1] + 1).pow(3).sum()
    return (kernel.sum - float(with_itself)) / (count * (count - 1))


class _Kernel:
    """Sum of the kernel over pairs, from blocks of squared distances: x·y = (|x|² + |y|² − |x − y|²) / 2.

    Attributes:
        sum: over the pairs so far.
    """

    def __init__(self, a: Tensor, b: Tensor) -> None:
        self.sum = 0.0
        self._half = 1 / (2 * a.shape[1])
        self._rows = a.double().square().sum(1, keepdim=True) * self._half + 1
        self._columns = b.double().square().sum(1) * self._half
        self._start = 0
        self._base, self._square = (self._rows.new_empty(0) for _ in range(2))  # reused memory

    def add(self, block: Tensor) -> None:
        """Add the next rows."""
        base, square = (each.resize_(block.shape) for each in (self._base, self._square))
        end = self._start + len(block)
        torch.sub(self._columns, block, alpha=self._half, out=base).add_(self._rows[self._start : end])
        torch.mul(base, base, out=square)
        self.sum += float(torch.dot(square.flatten(), base.flatten()))
        self._start = end
