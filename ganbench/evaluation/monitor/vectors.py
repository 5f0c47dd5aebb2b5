"""Vectors of one's own, such as a network's features, as what samples are compared with.

Real vectors are split at random into a reference and a set that is treated as generated, several times: so every number
has its floor and the floor's noise. A sample is good here if it lies among real ones, in the ball of precision. Modes
are known if real vectors have labels.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from statistics import fmean, stdev

import torch
from torch import Tensor

from ganbench.core.errors import GanbenchError
from ganbench.core.registry import near_miss
from ganbench.core.seeding import stream
from ganbench.core.verdict import Measured, Verdict
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.bare_arrays import checked_vectors, features_of, reference_of
from ganbench.evaluation.history import NAMED_MODES
from ganbench.evaluation.metrics import METRICS, Direction, value_or_nan
from ganbench.evaluation.metrics.distances import by_row, nearest_of_many, smallest, squares
from ganbench.evaluation.metrics.pairs import share_pairs
from ganbench.evaluation.monitor.base import Measurement, check_enough, numbers_of
from ganbench.evaluation.monitor.nearest_modes import ModeShares, NearestModes, good_samples
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
FURTHER = ("vendi", "vendi_2", "different_samples", "ndb", "fid")
"""The metrics that take more time; they are computed if they are asked for."""
COPIES = "near_copies"
"""The share of samples that are copies of a real vector, or nearly so."""


class Vectors:
    """Real vectors, and their halves as a yardstick.

    Args:
        samples: number of samples to measure.
        metrics: further metrics, of `FURTHER`, as well as those that are always measured.
        labels: whole numbers [N], the modes of the real vectors.

    Attributes:
        width: numbers in a vector.
    """

    mode_word: str = "modes"

    def __init__(
        self,
        real: object,
        samples: int | None,
        device: torch.device,
        metrics: Sequence[str] = (),
        labels: object = None,
    ) -> None:
        self._real = checked_vectors(real, None).to(device)
        self.width = self._real.shape[1]
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
        for name in metrics:
            if name not in OF_SETS + FURTHER:
                raise GanbenchError(f"unknown metric of vectors '{name}': {near_miss(name, OF_SETS + FURTHER)}")
        self._metrics = {name: METRICS.create({"name": name}) for name in dict.fromkeys([*OF_SETS, *metrics])}
        digest = hashlib.sha256(self._real.cpu().numpy().tobytes()).hexdigest()
        self.identity: Mapping[str, str] = {"real data": digest, "number of samples": str(self.samples)}
        self.reading: dict[str, str] = {}
        some = self._split(0)[: max(SAMPLES, 2 * self.samples)]
        self._modes = None if labels is None else NearestModes(self._real, labels, some, self.samples)
        self.mode_names: Sequence[str] = ("all samples",)
        self.mode_shares: Sequence[float] = (1.0,)
        if self._modes is not None:
            self.mode_names, self.mode_shares = self._modes.names, self._modes.fair_shares
            self.identity = {**self.identity, "labels": self._modes.sha256}

    @cached_property
    def baseline(self) -> RealBaseline:
        floors = {name: self._floors[metric] for name, metric in _OBSERVED.items()}
        numbers = {name: floor[0] for name, floor in floors.items()} | {
            f"{name}-sd": floor[1] for name, floor in floors.items()
        }
        # Vectors have no modes whose width could be measured.
        return baseline_of(self.samples, self.mode_shares, {**numbers, "width": math.nan, "width-sd": math.nan})

    def read(self, fake: object) -> Tensor:
        """The first samples of a random order, the same each time; all of them if there are no more."""
        vectors = checked_vectors(fake, self.width)
        check_enough(len(vectors), self.samples)
        return self.drawn(vectors)

    def drawn(self, rows: Tensor) -> Tensor:
        """The first samples of a random order of rows, the same each time; all of them if there are no more."""
        if len(rows) == self.samples:
            return rows
        return rows[torch.randperm(len(rows), generator=stream(0, "order"))[: self.samples]]

    def measure(self, fake: Tensor) -> Measurement:
        measured, shares = self.beside_real(fake)
        verdict = self.verdict(measured, shares)
        summary = SampleSummary(
            samples=self.samples,
            counts=_counts((measured["precision"].value,) if shares is None else shares.good.values(), self.samples),
            appearing=_counts((1.0,) if shares is None else shares.every.values(), self.samples),
            width=math.nan,
            duplicates=measured["near_duplicates"].value,
            covered=measured["coverage"].value,
        )
        numbers = {name: number.value for name, number in measured.items()}
        numbers |= {f"floor/{name}": number.real for name, number in measured.items()}
        if shares is not None and len(shares.every) <= NAMED_MODES:
            numbers |= {f"mode/{name}": share for name, share in shares.every.items()}
            numbers |= {f"good/{name}": share for name, share in shares.good.items()}
        return Measurement(summary, verdict, numbers_of(numbers, verdict))

    def beside_real(self, fake: Tensor) -> tuple[dict[str, Measured], ModeShares | None]:
        """Every number beside its floor, by name, and the shares of the modes, if there are labels."""
        fake = fake.to(self._real.device)
        features = features_of(fake)
        with torch.no_grad(), torch.autocast(fake.device.type, enabled=False):
            values = self._values(features, self._reference) | {COPIES: self._share_of_copies(fake)}
            shares = None if self._modes is None else self._modes.shares(fake, good_samples(features, self._reference))
        return {name: Measured(value, *self._floors[name]) for name, value in values.items()}, shares

    def verdict(self, measured: Mapping[str, Measured], shares: ModeShares | None) -> Verdict:
        """The verdict on samples with these numbers."""
        return Verdict(
            () if shares is None else self.mode_names,
            None if shares is None else shares.states(self.samples),
            good=measured["precision"],
            near_duplicates=measured["near_duplicates"],
            covered=measured["coverage"],
            misplaced=None if shares is None else shares.misplaced,
            width=None if shares is None else shares.width,
            copies=measured[COPIES],
        )

    def ceiling(self, metric: str) -> float | None:
        """The best possible value of a metric, if there is one."""
        return 0.0 if metric == COPIES else self._metrics[metric].ceiling(self._reference)

    def direction(self, metric: str) -> Direction:
        """The better direction of a metric."""
        return "lower" if metric == COPIES else self._metrics[metric].direction

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
                sets.append(self._values(features_of(as_fake), reference_of(self._real[order[: self.samples]])))
        floors = {name: _floor([of[name] for of in sets]) for name in self._metrics}
        # The definition of a copy makes this about 1 %; more where real vectors repeat each other.
        share = float((self._nearest <= self._copy_distance).double().mean())
        return floors | {COPIES: (share, math.sqrt(share * (1 - share) / self.samples))}

    def _split(self, number: int) -> Tensor:
        """A random order of the real vectors."""
        return torch.randperm(len(self._real), generator=stream(number, "metric")).to(self._real.device)

    def _values(self, features: Features, reference: Reference) -> dict[str, float]:
        share_pairs(features, self._metrics.values())
        return {name: value_or_nan(metric, fake=features, real=reference) for name, metric in self._metrics.items()}

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


def _counts(shares: Iterable[float], samples: int) -> tuple[int, ...]:
    """Shares of a number of samples as counts."""
    return tuple(round(share * samples) for share in shares)


def _floor(values: Sequence[float]) -> tuple[float, float]:
    """Mean and deviation; NaN if a value is."""
    return (fmean(values), stdev(values)) if all(map(math.isfinite, values)) else (math.nan, math.nan)
