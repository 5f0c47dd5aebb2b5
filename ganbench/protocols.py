"""Named, versioned protocols: how many samples are scored, by which metrics, against what.

A number means something only beside the protocol's name and version and the evaluator's hash. Each score comes with its
floor: what real data score against real data at the same number of samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch

from ganbench.data import Data, to_signed
from ganbench.metrics import METRICS
from ganbench.metrics.evaluator import Evaluator, Features
from ganbench.metrics.modes_strict import CONFIDENT
from ganbench.registry import Component, Registry, register
from ganbench.seeding import stream


class Protocol(Component):
    """A way to evaluate, fixed once and for all under a name and a version."""

    version: ClassVar[int]
    metrics: ClassVar[tuple[str, ...]]
    least_samples: ClassVar[int] = 1
    """Below this number of samples its metrics mean nothing."""


PROTOCOLS: Registry[Protocol] = Registry("protocol")


@register(PROTOCOLS, "ganbench-1")
class Ganbench1(Protocol):
    """Labelled images, scored with the frozen evaluator against the test set (ganbench, version 1).

    FID on the evaluator's features; classes hit at all, and classes with ≥ 0.1 % of the samples at confidence ≥ .9;
    KL(generated ‖ real) over predicted classes in nats, unsmoothed. The floor is a random part of the
    training set of the same size, scored as if it were generated.
    """

    version: ClassVar[int] = 1
    metrics: ClassVar[tuple[str, ...]] = ("fid", "modes", "modes-strict", "kl", "confidence")
    least_samples: ClassVar[int] = 500


@dataclass(frozen=True)
class Scores:
    """What a protocol says about a set of samples.

    Attributes:
        samples: number of samples scored.
        values: by metric.
        floors: by metric, real against real at the same number of samples.
        class_shares: share of samples in each class, sums to 1.
        confident_shares: the same, of samples that the evaluator is sure of; what is missing to 1 is doubtful.
    """

    samples: int
    values: Mapping[str, float]
    floors: Mapping[str, float]
    class_shares: tuple[float, ...]
    confident_shares: tuple[float, ...]


class Scorer:
    """A protocol at work on one data set; reference features and floors are computed once, when first needed."""

    def __init__(self, protocol: Protocol, evaluator: Evaluator, data: Data) -> None:
        self.evaluator = evaluator
        self._data = data
        self._metrics = {name: METRICS.create({"name": name}) for name in protocol.metrics}
        self._floors: dict[int, Mapping[str, float]] = {}

    def score(self, fake: Features) -> Scores:
        """Score what the evaluator saw in the generated samples."""
        return Scores(
            samples=len(fake),
            values=self._values(fake),
            floors=self.floors(len(fake)),
            class_shares=_shares(fake, 0.0),
            confident_shares=_shares(fake, CONFIDENT),
        )

    def floors(self, samples: int) -> Mapping[str, float]:
        """What `samples` training images score."""
        if samples not in self._floors:
            self._floors[samples] = self._values(self._stand_ins(samples))
        return self._floors[samples]

    @cached_property
    def reference(self) -> Features:
        """Features of the test set."""
        return self.evaluator(to_signed(self._data.test))

    def _values(self, fake: Features) -> Mapping[str, float]:
        return {name: metric(fake=fake, real=self.reference) for name, metric in self._metrics.items()}

    def _stand_ins(self, samples: int) -> Features:
        order = torch.randperm(len(self._data), generator=stream(0, "floor"))
        return self.evaluator(self._data.batch(order[:samples].to(self._data.train.device)))


def _shares(fake: Features, confidence: float) -> tuple[float, ...]:
    return tuple((fake.class_counts(confidence).double() / len(fake)).tolist())
