"""The interface of metrics, their registry, and the words for better directions and faults."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import ClassVar, Literal

from ganbench.core.registry import Component, Registry
from ganbench.data.evaluators import Features, Reference

Direction = Literal["lower", "higher", "real"]
"""The better direction of a metric: lower, higher, or nearer to the value for real data.

"real" is for metrics on which real data do not score at an end of the scale: more confidence, density or diversity
than in real data is another kind of fault, and must not be counted as a merit.
"""

Scale = Literal["linear", "log", "share"]
"""The scale of a metric's values."""

Fault = Literal[
    "missing-modes",
    "imbalance",
    "duplicates",
    "shrunken-modes",
    "off-mode",
    "blur",
    "copies",
    "displaced",
    "implausible",
    "altered-duplicates",
    "altered-copies",
]
"""Faults of a set of samples: missing modes, modes in wrong proportions, repeated samples, modes that are too narrow,
samples that belong to no mode, images without detail, copies of training images; modes beside their place, images that
a classifier recognises although they are none of its classes, repeats and copies that differ by noise or by a pixel.
"""


PairStatistic = Literal["neighbours", "balls", "clipped", "kernel"]
"""Statistics of pairs of samples: distances from the nearest neighbours, relations to the balls that reach to them, the
same with clipped balls, and means of a kernel (`ganbench/evaluation/metrics/pairs.py`).
"""


class UndefinedMetricError(ValueError):
    """The metric is undefined for these samples; the message says why."""


class Metric(Component):
    """A number computed from generated samples, with the direction in which it is better.

    Attributes:
        direction: the better direction.
        sees: the faults that it claims to see; `ganbench doctor` verifies the claim.
        from_modes: whether it is computed from modes, good samples and confidence alone. Any classifier can provide
            these; distances between samples need an evaluator whose features are made for them.
        pair_statistics: those that it reads. Metrics that are computed together share the passes that find them.
        unseen_floor: whether its floor must come from real samples that nothing was trained on.
        label: a short noun phrase for people; by default the name.
        names_evaluator: whether the evaluator's name stands beside the label: in the literature the number of the same
            name is that of another network.
        scale: "linear"; "log" for a positive number spanning orders of magnitude, compared by ratios; or "share", of
            samples that are counted one by one, so that its sampling noise is binomial.
    """

    direction: ClassVar[Direction]
    sees: ClassVar[frozenset[Fault]] = frozenset()
    from_modes: ClassVar[bool] = False
    pair_statistics: ClassVar[frozenset[PairStatistic]] = frozenset()
    unseen_floor: ClassVar[bool] = False
    label: ClassVar[str] = ""
    names_evaluator: ClassVar[bool] = False
    scale: ClassVar[Scale] = "linear"

    @abstractmethod
    def __call__(self, *, fake: Features, real: Reference) -> float:
        """The metric of `fake`, compared with `real`. Both are keyword-only, so that they can't be swapped by accident.

        Raises:
            UndefinedMetricError: the metric is undefined for these samples.
        """

    def ceiling(self, real: Reference) -> float | None:
        """The best possible value, if there is one."""
        return None


METRICS: Registry[Metric] = Registry("metric")


def value_or_nan(metric: Metric, *, fake: Features, real: Reference) -> float:
    """The metric of `fake`, compared with `real`; NaN if it is undefined."""
    try:
        return metric(fake=fake, real=real)
    except UndefinedMetricError:
        return math.nan
