"""A protocol applied to one data set: values with floors and ceilings, and summaries for the collapse detector."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from statistics import fmean, stdev
from typing import NamedTuple

import torch

from ganbench.core.seeding import stream
from ganbench.core.verdict import Measured, Verdict, mode_states
from ganbench.data import Data, Dataset
from ganbench.data.evaluators import Evaluator, Features, Reference
from ganbench.data.evaluators.second_opinion import PLAUSIBLE
from ganbench.data.fetch import cache_folder
from ganbench.evaluation.cache import DiskCache
from ganbench.evaluation.metrics import METRICS, Metric, UndefinedMetricError
from ganbench.evaluation.metrics.copies_of_training import CopiesOfTraining
from ganbench.evaluation.metrics.memo import memoize_on
from ganbench.evaluation.metrics.pairs import share_pairs
from ganbench.evaluation.observation import RealBaseline, SampleSummary, baseline_of
from ganbench.evaluation.protocols import Case, Rule
from ganbench.evaluation.protocols.ganbench_1 import SURE_AND_TYPICAL, WITHIN_3_SIGMA

REFERENCE = 10_000
"""Number of real samples that generated ones are compared with."""
NOISE_DRAWS = 16
"""Number of sets of real samples used to estimate the noise of the detector's and the verdict's numbers."""
COMPARED = {
    "near_duplicates": "near_duplicates",
    "different": "different_samples",
    "width": "width",
    "covered": "coverage",
}
"""The metrics that the verdict compares with real samples, by its names."""
VERDICT_SAMPLES = 2_000
"""Number of samples by which the verdict compares sharpness and variety with real ones, and the detector coverage: its
cost grows with the square of their number. Modes are counted in all.
"""


class Floor(NamedTuple):
    """The score of real samples treated as generated: the mean and standard deviation of several draws of them.

    The deviation is NaN if there was one draw.
    """

    mean: float
    sd: float


@dataclass(frozen=True)
class Scores:
    """The scores of a set of samples under a protocol.

    Attributes:
        samples: number of samples scored.
        values: by metric; NaN if the metric is not defined for these samples.
        floors: by metric, real against real at the same number of samples: the mean over several draws, or one.
        floor_sds: by metric, the standard deviation of its floor from draw to draw; NaN if it is unknown.
        ceilings: by metric, the best possible value, if there is one.
        shares: share of samples in each mode, sums to 1.
        good_shares: share of good samples in each mode; the remainder to 1 belongs to no mode.
    """

    samples: int
    values: Mapping[str, float]
    floors: Mapping[str, float]
    floor_sds: Mapping[str, float]
    ceilings: Mapping[str, float]
    shares: tuple[float, ...]
    good_shares: tuple[float, ...]


class Scorer:
    """A protocol applied to one data set; constant results are computed once, when first needed."""

    def __init__(
        self, case: Case, dataset: Dataset, data: Data, evaluator: Evaluator, cache: DiskCache | None = None
    ) -> None:
        self.evaluator = evaluator
        self.case = case
        self._dataset = dataset
        self._data = data
        self._cache = cache or DiskCache(None)
        self._detector_rule = SURE_AND_TYPICAL if dataset.kind == "images" else WITHIN_3_SIGMA
        if case.second_opinion:
            self._detector_rule = replace(self._detector_rule, plausibility=PLAUSIBLE)
        self._floors: dict[tuple[int, str], Floor] = {}

    @classmethod
    def with_disk_cache(cls, case: Case, dataset: Dataset, data: Data) -> Scorer:
        """A scorer with the data set's own evaluator; constant results are kept between processes."""
        return cls(case, dataset, data, case.evaluator(dataset, data.device), DiskCache(cache_folder() / "kept"))

    @property
    def device(self) -> torch.device:
        return self._data.device

    @property
    def mode_names(self) -> tuple[str, ...]:
        return self._data.mode_names

    @property
    def fair_shares(self) -> tuple[float, ...]:
        """The share of each mode in the data."""
        return tuple(self._data.weights.tolist())

    def with_metrics(self, metrics: Mapping[str, Metric]) -> Scorer:
        """The same data, rule, evaluator and reference with other metrics, none of them quick."""
        _ = self.reference  # computed here if need be, so that the copy has it, and what was memoised on it
        other = copy.copy(self)
        other.case = replace(self.case, metrics=metrics, quick=(), headline=tuple(metrics), mode_count=None)
        other._floors = {}
        return other

    def score(self, features: Features, *, quick: bool = False) -> Scores:
        """Score features by every metric, or by the quick ones only."""
        names = self.case.quick if quick else tuple(self.case.metrics)
        fake = self._by_rule(self.case.rule, features)
        floors = self.floors(len(fake), names)
        return Scores(
            samples=len(fake),
            values=self.values(fake, names),
            floors={name: floor.mean for name, floor in floors.items()},
            floor_sds={name: floor.sd for name, floor in floors.items()},
            ceilings=self.ceilings(names),
            shares=_shares(fake.counts(), len(fake)),
            good_shares=_shares(fake.counts(good=True), len(fake)),
        )

    def values(self, fake: Features, names: Sequence[str]) -> dict[str, float]:
        """The metrics of samples to which the protocol's rule has been applied."""
        metrics = {name: self.case.metrics[name] for name in names}
        share_pairs(fake, metrics.values())
        return {name: self._value(metric, fake) for name, metric in metrics.items()}

    def floors(self, samples: int, names: Sequence[str]) -> dict[str, Floor]:
        """The scores of `samples` real samples treated as generated, in as many draws as the protocol demands."""
        keys = {name: self._floor_key(samples, name) for name in names if (samples, name) not in self._floors}
        for name, key in keys.items():
            kept = self._cache.find_numbers(key)
            if kept is not None:
                self._floors[samples, name] = Floor(**kept)
        missing = [name for name in keys if (samples, name) not in self._floors]
        for name, floor in self._find_floors(samples, missing).items():
            self._floors[samples, name] = floor
            self._cache.keep_numbers(keys[name], floor._asdict())
        return {name: self._floors[samples, name] for name in names}

    def ceilings(self, names: Sequence[str]) -> dict[str, float]:
        """The best value of each metric that has one."""
        ceilings = {name: self.case.metrics[name].ceiling(self.reference) for name in names}
        return {name: value for name, value in ceilings.items() if value is not None}

    def summarize(self, features: Features) -> SampleSummary:
        """The summary for the collapse detector, under the same rule for every protocol."""
        return self._summary(self._by_rule(self._detector_rule, features))

    def _summary(self, fake: Features) -> SampleSummary:
        """The summary of samples to which the detector's rule has been applied."""
        return SampleSummary(
            samples=len(fake),
            counts=tuple(fake.counts(good=True).tolist()),
            width=self._beside_real("mode_width", fake),
            duplicates=self._beside_real("near_duplicates", fake),
            covered=self._beside_real("coverage", fake.first(VERDICT_SAMPLES)),
        )

    def _by_rule(self, rule: Rule, features: Features) -> Features:
        """The features with the rule applied, the same object each time, so that scores and summary share pairs."""
        return memoize_on(features, ("rule", rule), lambda: rule(features))

    def baseline(self, samples: int) -> RealBaseline:
        """The mean and the variation of summaries of real samples."""
        real = self._variation(samples)
        width = {"width": real["mode_width"], "width-sd": real["mode_width-sd"]}
        return baseline_of(samples, self._data.weights.tolist(), real | width)

    def verdict(self, features: Features) -> Verdict:
        """The verdict on samples, under the same rule for every protocol."""
        fake = self._detector_rule(features)
        # Samples in a folder may be sorted by mode.
        some = torch.randperm(len(fake), generator=stream(0, "metric"))[:VERDICT_SAMPLES]
        first = fake.select(some.to(fake.labels.device))
        real = self._variation(len(first))

        def measured(name: str, value: float) -> Measured | None:
            return None if math.isnan(value) else Measured(value, real[name], real[f"{name}-sd"])

        compared = {name: measured(name, value) for name, value in self._compared(first).items()}
        names = self.mode_names
        by_mode = [_shares(counts, len(fake)) for counts in (fake.counts(), fake.counts(good=True))]
        shares, good, fair = (dict(zip(names, values, strict=True)) for values in (*by_mode, self.fair_shares))
        return Verdict(names, mode_states(shares, good, fair, len(fake)), **compared)

    def _compared(self, fake: Features) -> dict[str, float]:
        """The numbers of a `Verdict`, of samples to which the detector's rule has been applied."""
        return {
            "good": float(fake.good.double().mean()),
            "misplaced": self._misplaced(fake),
            **{name: self._beside_real(metric, fake) for name, metric in COMPARED.items()},
            "copies": self._copies(fake),
        }

    def _misplaced(self, fake: Features) -> float:
        """Total variation distance of the shares of modes from those of the data."""
        shares = fake.counts().cpu().double() / len(fake)
        return float((shares - self._data.weights.cpu()).clamp_min(0).sum())

    def _copies(self, fake: Features) -> float:
        """Share of samples that are copies of what they are compared with, or of training images if these are kept."""
        shares = [self._beside_real(metric, fake) for metric in ("exact_copies_of_reference", "copies_of_training")]
        return max(share for share in shares if not math.isnan(share))

    def _beside_real(self, metric: str, fake: Features) -> float:
        """A metric of samples to which the detector's rule has been applied, against real ones under the same rule."""
        return self._value(METRICS.create({"name": metric}), fake, self._detector_reference)

    def _variation(self, samples: int) -> dict[str, float]:
        """Means and deviations of the numbers of the detector and of the verdict over sets of real samples."""

        def find() -> dict[str, float]:
            sets = []
            for draw in range(1, NOISE_DRAWS + 1):
                fake = self._detector_rule(self._floor_samples(samples, draw))
                summary, compared = self._summary(fake), self._compared(fake.first(VERDICT_SAMPLES))
                sets.append(compared | {"mode_width": summary.width, "duplicates": summary.duplicates})
            numbers = {name: [values[name] for values in sets] for name in sets[0]}
            # Floor samples of images are training images: only unseen ones say how many seem to be copies by chance.
            unseen = self._data.unseen(min(samples, VERDICT_SAMPLES))
            copies = 0.0 if unseen is None else self._value(CopiesOfTraining(), self.evaluator(unseen), self.reference)
            means = {name: fmean(values) for name, values in numbers.items()} | {"copies": copies}
            deviations = {name: stdev(values) for name, values in numbers.items()}
            deviations["copies"] = math.sqrt(copies * (1 - copies) / samples)
            return means | {f"{name}-sd": deviation for name, deviation in deviations.items()}

        return self._cache.numbers(self._key("variation", samples), find)

    @cached_property
    def reference(self) -> Reference:
        """Features of real samples, under the protocol's rule."""
        return self._reference(self.case.rule)

    @cached_property
    def _detector_reference(self) -> Reference:
        return self.reference if self._detector_rule == self.case.rule else self._reference(self._detector_rule)

    @cached_property
    def _real(self) -> Features:
        return self.evaluator(self._data.reference(REFERENCE))

    def _reference(self, rule: Rule) -> Reference:
        features = rule(self._real)
        parts = {field.name: getattr(features, field.name) for field in fields(features)}
        return Reference(**parts, weights=self._data.weights, training=None, training_samples=self._data.training())

    @cached_property
    def _with_training(self) -> Reference:
        """The reference for the metric of copies; only this one requires the embedding of all training samples."""
        return replace(self.reference, training=self._training)

    @cached_property
    def _training(self) -> torch.Tensor | None:
        images = self._data.training()
        if images is None:
            return None

        def embed() -> torch.Tensor:
            indices = torch.arange(len(images), device=self._data.device)
            return torch.cat([self.evaluator(self._data.batch(part)).embedding for part in indices.split(5_000)])

        return self._cache.tensor(self._key("training", len(images)), embed).to(self._data.device)

    def _value(self, metric: Metric, fake: Features, real: Reference | None = None) -> float:
        try:
            default = self._with_training if metric.unseen_floor else self.reference
            return metric(fake=fake, real=real or default)
        except UndefinedMetricError:
            return math.nan

    def _find_floors(self, samples: int, names: Sequence[str]) -> dict[str, Floor]:
        unseen_names = [name for name in names if self.case.metrics[name].unseen_floor]
        others = [name for name in names if name not in unseen_names]
        floors: dict[str, Floor] = {}
        if others:
            draws = [0] if self.case.floor_draws == 1 else range(1, self.case.floor_draws + 1)
            values = [self.values(self.case.rule(self._floor_samples(samples, draw)), others) for draw in draws]
            floors |= {name: _floor([of_draw[name] for of_draw in values]) for name in others}
        unseen = self._data.unseen(samples) if unseen_names else None
        values_of_unseen = {} if unseen is None else self.values(self.case.rule(self.evaluator(unseen)), unseen_names)
        for name in unseen_names:
            floors[name] = self._unseen_floor(self.case.metrics[name], values_of_unseen.get(name, math.nan), samples)
        return floors

    def _unseen_floor(self, metric: Metric, value: float, samples: int) -> Floor:
        """The floor from the only draw of unseen samples: there are too few for more; a share's noise is known."""
        if self.case.floor_draws == 1 or metric.scale != "share":
            return Floor(value, math.nan)
        return Floor(value, math.sqrt(value * (1 - value) / samples))

    def _floor_samples(self, samples: int, draw: int) -> Features:
        return self.evaluator(self._data.floor_samples(samples, draw))

    def _key(self, what: str, samples: int) -> dict[str, object]:
        return {
            "what": what,
            "samples": samples,
            "rule": str(self.case.rule),
            "dataset": self._dataset.to_spec(),
            "version": self._dataset.version,
            "dataset-code": self._dataset.code_sha256() if self._dataset.is_foreign() else "",
            "size": len(self._data),
            "evaluator": self.evaluator.sha256,
        }

    def _floor_key(self, samples: int, name: str) -> dict[str, object]:
        metric = self.case.metrics[name]
        code = metric.code_sha256() if metric.is_foreign() else ""
        what = {"metric": metric.to_spec(), "metric-code": code, "draws": self.case.floor_draws}
        return self._key("floor", samples) | what


def _floor(values: Sequence[float]) -> Floor:
    known = len(values) > 1 and all(map(math.isfinite, values))
    return Floor(fmean(values), stdev(values) if known else math.nan)


def _shares(counts: torch.Tensor, samples: int) -> tuple[float, ...]:
    return tuple((counts.double() / samples).tolist())
