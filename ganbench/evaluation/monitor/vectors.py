"""Vectors of one's own, such as a network's features, as what a monitor compares samples with; modes aren't known.

Real vectors are split at random into a reference and a set that is treated as generated, several times: so every number
has its floor and the floor's noise. A sample is good here if it lies among real ones, in the ball of precision.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from statistics import fmean, stdev

import torch
from torch import Tensor

from ganbench.core.errors import GanbenchError
from ganbench.core.seeding import stream
from ganbench.core.verdict import Measured, Verdict
from ganbench.data.evaluators import Reference
from ganbench.evaluation.bare_arrays import checked_vectors, features_of, reference_of
from ganbench.evaluation.metrics import METRICS
from ganbench.evaluation.metrics.distances import by_row, nearest_of_many, smallest, squares
from ganbench.evaluation.metrics.pairs import share_pairs
from ganbench.evaluation.monitor.base import Measurement, numbers_of
from ganbench.evaluation.observation import RealBaseline, SampleSummary, baseline_of
from ganbench.evaluation.protocols import MIN_SAMPLES

SAMPLES = 2_000
"""Number of samples to measure, if there are twice as many real vectors."""
SPLITS = 16
"""Number of random splits of the real vectors, for the floors and their noise."""
COPY_ALPHA = 0.01
"""Share of real vectors that are nearer to another one than a copy has to be."""
OF_SETS = ("precision", "recall", "density", "coverage", "near_duplicates")
"""The metrics of two sets of vectors."""
COPIES = "near_copies"
"""The share of samples that are copies of a real vector, or nearly so."""


class Vectors:
    """Real vectors, and their halves as a yardstick."""

    mode_names: Sequence[str] = ("all samples",)
    mode_shares: Sequence[float] = (1.0,)
    mode_word: str = "modes"

    def __init__(self, real: object, samples: int | None, device: torch.device) -> None:
        self._real = checked_vectors(real, None).to(device)
        count = len(self._real)
        if count < 2 * MIN_SAMPLES:
            raise GanbenchError(
                f"{count:,} real vectors are too few: half of them are the reference and half the floor, "
                f"so give at least {2 * MIN_SAMPLES:,}"
            )
        self.samples = min(SAMPLES, count // 2) if samples is None else samples
        if not MIN_SAMPLES <= self.samples <= count // 2:
            raise GanbenchError(
                f"samples must be from {MIN_SAMPLES:,} to half of the real vectors ({count // 2:,}), not {samples}"
            )
        self._metrics = {name: METRICS.create({"name": name}) for name in OF_SETS}
        digest = hashlib.sha256(self._real.cpu().numpy().tobytes()).hexdigest()
        self.identity: Mapping[str, str] = {"real data": digest, "number of samples": str(self.samples)}
        self.reading: dict[str, str] = {}

    @cached_property
    def baseline(self) -> RealBaseline:
        floors = {name: self._floors[metric] for name, metric in _OBSERVED.items()}
        numbers = {name: floor[0] for name, floor in floors.items()} | {
            f"{name}-sd": floor[1] for name, floor in floors.items()
        }
        # Vectors have no modes whose width could be measured.
        return baseline_of(self.samples, [1.0], {**numbers, "width": math.nan, "width-sd": math.nan})

    def read(self, fake: object) -> Tensor:
        """The first samples of a random order, the same each time; all of them if there are no more."""
        vectors = checked_vectors(fake, self._real.shape[1])
        if len(vectors) < self.samples:
            raise GanbenchError(
                f"{len(vectors):,} samples are too few: give {self.samples:,} each time, or say another number "
                f"(at least {MIN_SAMPLES}) with samples="
            )
        if len(vectors) == self.samples:
            return vectors
        return vectors[torch.randperm(len(vectors), generator=stream(0, "order"))[: self.samples]]

    def measure(self, fake: Tensor) -> Measurement:
        fake = fake.to(self._real.device)
        with torch.no_grad(), torch.autocast(fake.device.type, enabled=False):
            values = self._values(fake, self._reference) | {COPIES: self._share_of_copies(fake)}
        measured = {name: Measured(values[name], *self._floors[name]) for name in values}
        verdict = Verdict(
            (),
            None,
            good=measured["precision"],
            near_duplicates=measured["near_duplicates"],
            covered=measured["coverage"],
            copies=measured[COPIES],
        )
        summary = SampleSummary(
            samples=self.samples,
            counts=(round(values["precision"] * self.samples),),
            appearing=(self.samples,),
            width=math.nan,
            duplicates=values["near_duplicates"],
            covered=values["coverage"],
        )
        numbers = values | {f"floor/{name}": floor[0] for name, floor in self._floors.items()}
        return Measurement(summary, verdict, numbers_of(numbers, verdict))

    @cached_property
    def _reference(self) -> Reference:
        return reference_of(self._real[self._split(0)[: self.samples]])

    @cached_property
    def _floors(self) -> Mapping[str, tuple[float, float]]:
        """Mean and deviation of each number among real vectors."""
        sets: list[dict[str, float]] = []
        with torch.no_grad(), torch.autocast(self._real.device.type, enabled=False):
            for split in range(1, SPLITS + 1):
                order = self._split(split)
                as_fake = self._real[order[self.samples : 2 * self.samples]]
                sets.append(self._values(as_fake, reference_of(self._real[order[: self.samples]])))
        floors = {name: (fmean(of[name] for of in sets), stdev(of[name] for of in sets)) for name in OF_SETS}
        # The definition of a copy makes this about 1 %; more where real vectors repeat each other.
        share = float((self._nearest <= self._copy_distance).double().mean())
        return floors | {COPIES: (share, math.sqrt(share * (1 - share) / self.samples))}

    def _split(self, number: int) -> Tensor:
        """A random order of the real vectors."""
        return torch.randperm(len(self._real), generator=stream(number, "metric")).to(self._real.device)

    def _values(self, fake: Tensor, reference: Reference) -> dict[str, float]:
        features = features_of(fake)
        share_pairs(features, self._metrics.values())
        return {name: metric(fake=features, real=reference) for name, metric in self._metrics.items()}

    def _share_of_copies(self, fake: Tensor) -> float:
        return float((nearest_of_many(fake, self._real) <= self._copy_distance).double().mean())

    @cached_property
    def _copy_distance(self) -> Tensor:
        """Squared distance to the nearest other real vector that 1 % of real vectors are within, scalar."""
        return self._nearest.quantile(COPY_ALPHA)

    @cached_property
    def _nearest(self) -> Tensor:
        """Squared distances of some real vectors to the nearest other one, [N]."""
        some = self._real[self._split(0)[:SAMPLES]]
        # The nearest one is the vector itself.
        return by_row(len(some), squares(some, self._real), lambda block: smallest(block, 2))[:, 1].clamp_min(0)


_OBSERVED = {"good": "precision", "duplicates": "near_duplicates", "covered": "coverage"}
"""The numbers of the collapse detector's baseline, and the metrics that they are here."""
