"""Share of samples that are copies of training images."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric, UndefinedMetricError
from ganbench.evaluation.metrics.distances import nearest_of_many
from ganbench.evaluation.metrics.memo import memoize_on


@register(METRICS, "memorisation")
class Memorisation(Metric):
    """Share of samples nearer to a training image than 99 % of unseen are (after Meehan et al. 2020, arXiv:2004.05675).

    The threshold comes from the first half of the real samples, so the second half, and any other unseen ones, score
    about 1 %. A generator of nonsense scores 0, which is no merit. Only the first `samples` are used.
    """

    direction: ClassVar[Direction] = "real"
    sees: ClassVar[frozenset[Fault]] = frozenset({"copies"})
    unseen_floor: ClassVar[bool] = True

    alpha: float = 0.01
    samples: int = 10_000

    def __call__(self, *, fake: Features, real: Reference) -> float:
        training, half = real.training, len(real) // 2
        if training is None:
            raise UndefinedMetricError("the training data were not kept")
        if half == 0:
            raise UndefinedMetricError("there are too few real samples to halve them")

        def find() -> Tensor:
            return nearest_of_many(real.embedding[:half], training).quantile(self.alpha)

        near = nearest_of_many(fake.embedding[: self.samples], training) <= memoize_on(
            real, ("copies", self.alpha), find
        )
        return float(near.double().mean())
