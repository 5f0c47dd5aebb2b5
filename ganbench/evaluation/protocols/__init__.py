"""Named, versioned protocols: data, number of samples, what counts as a good sample, metrics and their options.

A number means something only beside the protocol's name and version and the evaluator's hash. The same samples score
differently under different protocols, by known factors; that is what published tables get wrong.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

from torch import Tensor

from ganbench.core.errors import GanbenchError
from ganbench.core.registry import Component, Registry, import_folder
from ganbench.data import Dataset
from ganbench.data.evaluators import Features
from ganbench.evaluation.metrics import Metric

MIN_SAMPLES = 500
"""Below this number of samples metrics mean nothing."""

MAX_HEADLINE = 5
"""Metrics shown by default if a protocol names none."""


@dataclass(frozen=True)
class Rule:
    """What counts as a high-quality sample.

    Attributes:
        norm: how the deviation from the mode's centre is measured: its length (l2), its largest part (linf: a box), or
            not at all (any).
        within: standard deviations that it must be below.
        confidence: how sure a classifier must be, at least.
    """

    norm: Literal["any", "l2", "linf"] = "any"
    within: float = 3.0
    confidence: float = 0.0

    def __call__(self, features: Features) -> Features:
        """The features with `good` set by this rule."""
        return replace(features, good=self._close(features) & (features.confidence >= self.confidence))

    def _close(self, features: Features) -> Tensor:
        if self.norm == "l2":
            close: Tensor = features.deviation.norm(dim=1) < self.within
            return close
        if self.norm == "linf":
            return features.deviation.abs().amax(dim=1) < self.within
        return features.good.new_ones(len(features))


@dataclass(frozen=True)
class Case:
    """What a protocol says about one data set.

    Attributes:
        samples: how many samples are scored.
        rule: which of them count as high-quality.
        metrics: by the name in the table, a metric with this protocol's options.
        quick: those that are cheap enough to be computed during training.
        data: the options of the data set that the protocol fixes.
        headline: the metrics to show where there is room for a few; by default the first five.
        mode_count: the metric that counts modes, if there is one.
    """

    samples: int
    rule: Rule
    metrics: Mapping[str, Metric]
    quick: tuple[str, ...]
    data: Mapping[str, Any] = field(default_factory=dict)
    headline: tuple[str, ...] = ()
    mode_count: str | None = None

    def __post_init__(self) -> None:
        if not self.headline:
            object.__setattr__(self, "headline", tuple(self.metrics)[:MAX_HEADLINE])


class Protocol(Component):
    """A way to evaluate, fixed once and for all under a name and a version."""

    version: ClassVar[int] = 1
    """Raised when the same samples get other numbers: part of the run id."""

    @abstractmethod
    def cases(self) -> Mapping[str, Case]:
        """By the name of a data set, what the protocol says about it."""

    def case(self, dataset: Dataset) -> Case:
        """What it says about a data set.

        Raises:
            GanbenchError: it says nothing about it, or it fixes an option otherwise.
        """
        cases = self.cases()
        if dataset.name not in cases:
            raise GanbenchError(
                f"protocol '{self.name}' says nothing about {dataset.name}: it is for {', '.join(sorted(cases))}"
            )
        case, options = cases[dataset.name], dataset.to_spec()
        for option, fixed in case.data.items():
            if options[option] != fixed:
                raise GanbenchError(
                    f"protocol '{self.name}' fixes {dataset.name}: {option} is {fixed}, not {options[option]}; "
                    f"choose another protocol, or leave the option out"
                )
        return case

    def label(self, case: Case, samples: int) -> str:
        """Name and version as they stand in tables; with the number of samples, where it isn't the protocol's own."""
        return f"{self.name} v{self.version}" + f" at N={samples:,}" * (samples != case.samples)


PROTOCOLS: Registry[Protocol] = Registry("protocol")
import_folder(__name__, __path__)
