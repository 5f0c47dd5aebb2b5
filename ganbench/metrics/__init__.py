"""Metrics: numbers that say how a set of generated samples compares with real ones."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal

from ganbench.metrics.evaluator import Features
from ganbench.registry import Component, Registry, import_folder

Direction = Literal["lower", "higher"]


class Metric(Component):
    """One number about generated samples, with the direction in which it is better."""

    direction: ClassVar[Direction]

    @abstractmethod
    def __call__(self, *, fake: Features, real: Features) -> float:
        """The metric of `fake`, seen against `real`. Both are given by keyword: they can't be swapped unseen."""


METRICS: Registry[Metric] = Registry("metric")
import_folder(__name__, __path__)
