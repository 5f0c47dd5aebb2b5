"""The base class of protocols, the cases and rules that they consist of, and their registry."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from ganbench.core.errors import GanbenchError
from ganbench.core.registry import Component, Registry
from ganbench.data import Dataset
from ganbench.data.evaluators import Evaluator, Features
from ganbench.data.evaluators.classifier import read_card
from ganbench.data.evaluators.other_classifier import OtherClassifier, both_sha256
from ganbench.data.evaluators.second_opinion import TwoOpinions, combined_sha256
from ganbench.evaluation.metrics import Metric

MIN_SAMPLES = 500
"""Minimum number of samples for meaningful metrics."""

FLOOR_DRAWS = 16
"""Number of draws of real samples over which a floor is the mean, in protocols that print its deviation."""
MAX_HEADLINE = 5
"""Number of metrics in the default headline of a protocol that names none."""


@dataclass(frozen=True)
class Rule:
    """A rule for high-quality samples.

    Attributes:
        norm: measure of the deviation from the mode's centre: its length (l2), its largest component (linf: a box), or
            none (any).
        within: upper bound on the deviation, in standard deviations.
        confidence: minimum confidence of the classifier.
        plausibility: minimum plausibility according to the second opinion; 0 asks none.
    """

    norm: Literal["any", "l2", "linf"] = "any"
    within: float = 3.0
    confidence: float = 0.0
    plausibility: float = 0.0

    def __call__(self, features: Features) -> Features:
        """The features with `good` set by this rule."""
        good = self._close(features) & (features.confidence >= self.confidence)
        if self.plausibility > 0:
            if features.plausibility is None:
                raise ValueError("this rule needs a second opinion, and these features have none")
            good &= features.plausibility >= self.plausibility
        return replace(features, good=good)

    def _close(self, features: Features) -> Tensor:
        if self.norm == "l2":
            close: Tensor = features.deviation.norm(dim=1) < self.within
            return close
        if self.norm == "linf":
            return features.deviation.abs().amax(dim=1) < self.within
        return features.good.new_ones(len(features))


@dataclass(frozen=True)
class Case:
    """A protocol's settings for one data set.

    Attributes:
        samples: number of samples to score.
        rule: the rule for high-quality samples.
        metrics: metrics with this protocol's options, by their name in the table.
        quick: the metrics that are cheap enough to be computed during training.
        data: the options of the data set that the protocol fixes.
        headline: the few most important metrics, for compact output; by default the first five.
        mode_count: the metric that counts modes, if there is one.
        second_opinion: whether images are also looked at by the data set's second opinion.
        floor_draws: number of draws of real samples over which a floor is the mean.
        classifier: name of the evaluator that assigns samples to modes in place of the data set's own, which still
            gives the verdict; empty for the data set's own. All metrics then have to be `from_modes`.
    """

    samples: int
    rule: Rule
    metrics: Mapping[str, Metric]
    quick: tuple[str, ...]
    data: Mapping[str, Any] = field(default_factory=dict)
    headline: tuple[str, ...] = ()
    mode_count: str | None = None
    second_opinion: bool = False
    floor_draws: int = 1
    classifier: str = ""

    def __post_init__(self) -> None:
        if not self.headline:
            object.__setattr__(self, "headline", tuple(self.metrics)[:MAX_HEADLINE])
        if self.classifier and self.second_opinion:
            raise GanbenchError(f"a protocol with the classifier '{self.classifier}' can't have a second opinion")
        self.check_metrics(self.metrics)

    def check_metrics(self, metrics: Mapping[str, Metric]) -> None:
        """Refuse metrics that compare samples by features if the classifier isn't the data set's own.

        Raises:
            GanbenchError: there is one.
        """
        for name, metric in metrics.items():
            if self.classifier and not metric.from_modes:
                raise GanbenchError(
                    f"'{name}' needs more than modes, and '{self.classifier}' only tells the mode of a sample: "
                    f"measure it under a protocol with the data set's own evaluator, such as {Dataset.protocol}"
                )

    def evaluator(self, dataset: Dataset, device: torch.device) -> Evaluator:
        """The evaluator of samples: the data set's, with its second opinion if the case wants one, or a classifier.

        Raises:
            GanbenchError: it wants a second opinion or a classifier, and the data set has no such one.
        """
        first = dataset.evaluator(device)
        if self.classifier:
            return OtherClassifier(dataset.classifier(self.classifier, device), first)
        if not self.second_opinion:
            return first
        second = dataset.second_opinion(device)
        if second is None:
            raise GanbenchError(f"there is no second opinion on {dataset.name}, which this protocol needs")
        return TwoOpinions(first, second, dataset.opinion)

    def evaluator_sha256(self, dataset: Dataset) -> str:
        """SHA-256 of the evaluator that `evaluator` returns, without loading it."""
        first = dataset.evaluator_sha256
        if self.classifier:
            return both_sha256(read_card(self.classifier).sha256, first)
        return combined_sha256(first, dataset.opinion) if self.second_opinion else first


class Protocol(Component):
    """An evaluation procedure, permanently fixed under a name and a version."""

    version: ClassVar[int] = 1
    """Increased when a case changes or the same samples get different numbers; part of the run id."""

    @abstractmethod
    def cases(self) -> Mapping[str, Case]:
        """The protocol's settings by name of the data set."""

    def case(self, dataset: Dataset) -> Case:
        """The protocol's settings for a data set.

        Raises:
            GanbenchError: it has none, or it fixes an option at another value.
        """
        cases = self.cases()
        if dataset.name not in cases:
            raise GanbenchError(
                f"protocol '{self.name}' doesn't cover {dataset.name}: it is for {', '.join(sorted(cases))}"
            )
        case, options = cases[dataset.name], dataset.to_spec()
        for option, fixed in case.data.items():
            if options[option] != fixed:
                raise GanbenchError(
                    f"protocol '{self.name}' fixes {option} of {dataset.name} at {fixed}, not {options[option]}: "
                    f"choose another protocol, or leave the option out"
                )
        return case

    def label(self, case: Case, samples: int) -> str:
        """Name and version as shown in tables, with the number of samples if it isn't the protocol's own."""
        return f"{self.name} v{self.version}" + f" at N={samples:,}" * (samples != case.samples)


class ProtocolOfAnyData(Protocol):
    """A protocol that also has settings for the data sets of plug-ins: those of their kind."""

    def case(self, dataset: Dataset) -> Case:
        cases = self.cases()
        if dataset.name in cases:
            return super().case(dataset)
        if dataset.is_foreign():
            return cases["mnist" if dataset.kind == "images" else "ring"]
        raise GanbenchError(f"protocol '{self.name}' doesn't cover {dataset.name}")


PROTOCOLS: Registry[Protocol] = Registry("protocol")
