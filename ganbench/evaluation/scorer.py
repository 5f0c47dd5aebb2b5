"""A protocol applied to one data set: values with floors and ceilings."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import NamedTuple

import torch

from ganbench.data import Data, Dataset
from ganbench.data.evaluators import Evaluator, Features, Reference
from ganbench.data.evaluators.second_opinion import PLAUSIBLE
from ganbench.data.fetch import cache_folder
from ganbench.evaluation.beside_real import BesideReal, shares_of, under
from ganbench.evaluation.cache import DiskCache
from ganbench.evaluation.metrics import Metric, value_or_nan
from ganbench.evaluation.metrics.pairs import share_pairs
from ganbench.evaluation.protocols import Case
from ganbench.evaluation.protocols.ganbench_1 import SURE_AND_TYPICAL, WITHIN_3_SIGMA
from ganbench.evaluation.real_features import Progress, RealFeatures, real_key, unheard


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
    """A protocol applied to one data set; constant results are computed once, when first needed.

    Attributes:
        beside_real: summaries and verdicts on samples of this data set, under the same rule for every protocol, and by
            the data set's own evaluator.
    """

    def __init__(
        self,
        case: Case,
        dataset: Dataset,
        data: Data,
        evaluator: Evaluator,
        cache: DiskCache | None = None,
        progress: Progress = unheard,
    ) -> None:
        self.case = case
        self._real = RealFeatures(dataset, data, evaluator, cache or DiskCache(None), progress)
        rule = SURE_AND_TYPICAL if dataset.kind == "images" else WITHIN_3_SIGMA
        if case.second_opinion:
            rule = replace(rule, plausibility=PLAUSIBLE)
        own = self._real
        if case.classifier:
            own = RealFeatures(dataset, data, dataset.evaluator(data.device), self._real.cache, progress)
        self.beside_real = BesideReal(own, rule, again=bool(case.classifier))
        self._floors: dict[tuple[int, str], Floor] = {}

    @classmethod
    def with_disk_cache(cls, case: Case, dataset: Dataset, data: Data, progress: Progress = unheard) -> Scorer:
        """A scorer with the data set's own evaluator; constant results are kept between processes."""
        cache = DiskCache(_cache_folder())
        return cls(case, dataset, data, case.evaluator(dataset, data.device), cache, progress)

    @property
    def evaluator(self) -> Evaluator:
        return self._real.evaluator

    @property
    def device(self) -> torch.device:
        return self._real.data.device

    @property
    def mode_names(self) -> tuple[str, ...]:
        return self._real.data.mode_names

    @property
    def fair_shares(self) -> tuple[float, ...]:
        """The share of each mode in the data."""
        return tuple(self._real.data.weights.tolist())

    def with_metrics(self, metrics: Mapping[str, Metric]) -> Scorer:
        """The same data, rule, evaluator and reference with other metrics, none of them quick."""
        other = copy.copy(self)
        other.case = replace(self.case, metrics=metrics, quick=(), headline=tuple(metrics), mode_count=None)
        other._floors = {}
        return other

    def score(self, features: Features, *, quick: bool = False) -> Scores:
        """Score features by every metric, or by the quick ones only."""
        names = self.case.quick if quick else tuple(self.case.metrics)
        fake = under(self.case.rule, features)
        floors = self.floors(len(fake), names)
        return Scores(
            samples=len(fake),
            values=self.values(fake, names),
            floors={name: floor.mean for name, floor in floors.items()},
            floor_sds={name: floor.sd for name, floor in floors.items()},
            ceilings=self.ceilings(names),
            shares=shares_of(fake.counts(), len(fake)),
            good_shares=shares_of(fake.counts(good=True), len(fake)),
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
            kept = self._real.cache.find_numbers(key)
            if kept is not None:
                self._floors[samples, name] = Floor(**kept)
        missing = [name for name in keys if (samples, name) not in self._floors]
        for name, floor in self._find_floors(samples, missing).items():
            self._floors[samples, name] = floor
            self._real.cache.keep_numbers(keys[name], floor._asdict())
        return {name: self._floors[samples, name] for name in names}

    def ceilings(self, names: Sequence[str]) -> dict[str, float]:
        """The best value of each metric that has one."""
        ceilings = {name: self.case.metrics[name].ceiling(self.reference) for name in names}
        return {name: value for name, value in ceilings.items() if value is not None}

    @property
    def reference(self) -> Reference:
        """Features of real samples, under the protocol's rule."""
        return self._real.reference(self.case.rule)

    def _value(self, metric: Metric, fake: Features) -> float:
        rule = self.case.rule
        real = self._real.with_training(rule) if metric.unseen_floor else self._real.reference(rule)
        return value_or_nan(metric, fake=fake, real=real)

    def _find_floors(self, samples: int, names: Sequence[str]) -> dict[str, Floor]:
        unseen_names = [name for name in names if self.case.metrics[name].unseen_floor]
        others = [name for name in names if name not in unseen_names]
        floors: dict[str, Floor] = {}
        if others:
            draws = [0] if self.case.floor_draws == 1 else range(1, self.case.floor_draws + 1)
            values: list[dict[str, float]] = []
            for draw in draws:
                values.append(self.values(self.case.rule(self._real.draw(samples, draw)), others))
                self._real.progress("sets of real samples for the floors", len(values), len(draws))
            floors |= {name: _floor([of_draw[name] for of_draw in values]) for name in others}
        unseen = self._real.unseen(samples) if unseen_names else None
        values_of_unseen = {} if unseen is None else self.values(self.case.rule(unseen), unseen_names)
        for name in unseen_names:
            floors[name] = self._unseen_floor(self.case.metrics[name], values_of_unseen.get(name, math.nan), samples)
        return floors

    def _unseen_floor(self, metric: Metric, value: float, samples: int) -> Floor:
        """The floor from the only draw of unseen samples: there are too few for more; a share's noise is known."""
        if self.case.floor_draws == 1 or metric.scale != "share":
            return Floor(value, math.nan)
        return Floor(value, math.sqrt(value * (1 - value) / samples))

    def _floor_key(self, samples: int, name: str) -> dict[str, object]:
        return self._real.key("floor", samples, self.case.rule) | _of_floor(self.case, name)


def known_floors(case: Case, dataset: Dataset, samples: int) -> dict[str, Floor]:
    """The floors of a protocol's headline metrics that were measured before: they are read, and nothing is loaded.

    Args:
        case: the protocol's settings for the data set.
        samples: number of real samples treated as generated.
    """
    cache = DiskCache(_cache_folder())
    key = real_key(dataset, dataset.train_size, case.evaluator_sha256(dataset), "floor", samples, case.rule)
    found = {name: cache.find_numbers(key | _of_floor(case, name)) for name in case.headline}
    return {name: Floor(**numbers) for name, numbers in found.items() if numbers is not None}


def _cache_folder() -> Path:
    return cache_folder() / "kept"


def _of_floor(case: Case, name: str) -> dict[str, object]:
    """The part of a floor's key that is about the metric."""
    metric = case.metrics[name]
    code = metric.code_sha256() if metric.is_foreign() else ""
    return {"metric": metric.to_spec(), "metric-code": code, "draws": case.floor_draws}


def _floor(values: Sequence[float]) -> Floor:
    known = len(values) > 1 and all(map(math.isfinite, values))
    return Floor(fmean(values), stdev(values) if known else math.nan)
