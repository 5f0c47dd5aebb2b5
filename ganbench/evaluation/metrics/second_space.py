"""Metrics in the second network's features: that network was not trained on labels, so it judges more than classes."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, TypeVar

from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import Metric, UndefinedMetricError
from ganbench.evaluation.metrics.memo import memoize_on

F = TypeVar("F", bound=Features)


class InSecondSpace(Metric):
    """A base class before a metric of the embedding, which makes it one of the second embedding."""

    names_evaluator: ClassVar[bool] = False

    def __call__(self, *, fake: Features, real: Reference) -> float:
        # The next base class is the metric itself: it gets features whose embedding is the other one. mypy takes it
        # for `Metric`, whose method is abstract.
        value: float = super().__call__(fake=in_second_space(fake), real=in_second_space(real))  # type: ignore[safe-super]
        return value


def in_second_space(features: F) -> F:
    """The same samples, embedded by the second network; memoised, so that metrics share pair statistics there, too.

    Raises:
        UndefinedMetricError: there is no second network.
    """
    second = features.second_embedding
    if second is None:
        raise UndefinedMetricError("there is no second network for these data")
    return memoize_on(features, ("second space",), lambda: replace(features, embedding=second))
