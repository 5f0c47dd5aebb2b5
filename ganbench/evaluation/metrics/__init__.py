"""Metrics: numbers that say how a set of generated samples compares with real ones."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal

from ganbench.core.registry import Component, Registry, import_folder
from ganbench.data.evaluators import Features, Reference

Direction = Literal["lower", "higher", "real"]
"""What is better: less, more, or nearer to what real data score.

"real" is for numbers that real data don't have at an end of the scale: more confidence, density or diversity than real
data have is a fault of another kind, and must not be counted as a merit.
"""

Fault = Literal[
    "missing-modes",
    "imbalance",
    "duplicates",
    "shrunken-modes",
    "off-mode",
    "blur",
    "copies",
]
"""What can be wrong with a set of samples: modes that don't appear, modes in wrong shares, the same sample again and
again, modes that are too narrow, samples that belong to no mode, images without detail, copies of training images."""


class UndefinedMetricError(ValueError):
    """There is no such number for these samples; the message says why."""


class Metric(Component):
    """One number about generated samples, with the direction in which it is better.

    Attributes:
        direction: what is better.
        sees: the faults that it claims to see; `ganbench doctor` holds it to that.
        unseen_floor: whether its floor must come from real samples that nothing was trained on.
        ratio: whether it is a positive number that spans orders of magnitude: then two values differ by their ratio.
    """

    direction: ClassVar[Direction]
    sees: ClassVar[frozenset[Fault]] = frozenset()
    unseen_floor: ClassVar[bool] = False
    ratio: ClassVar[bool] = False

    @abstractmethod
    def __call__(self, *, fake: Features, real: Reference) -> float:
        """The metric of `fake`, seen against `real`. Both are given by keyword: they can't be swapped unseen.

        Raises:
            UndefinedMetricError: there is no such number for these samples.
        """

    def ceiling(self, real: Reference) -> float | None:
        """The best value that there can be, where there is one."""
        return None


METRICS: Registry[Metric] = Registry("metric")
import_folder(__name__, __path__)
