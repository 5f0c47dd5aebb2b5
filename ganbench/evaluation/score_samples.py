"""Scoring of samples from any generator, under one protocol or several."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from ganbench.core.device import scoring_device
from ganbench.core.errors import GanbenchError
from ganbench.core.mode_words import MODES
from ganbench.core.seeding import stream
from ganbench.core.settings import parse_component
from ganbench.core.verdict import Measured, Standing, Verdict
from ganbench.core.verdict_word import word_of
from ganbench.data import Data, Dataset
from ganbench.data.fetch import cache_folder
from ganbench.evaluation.dataset_and_protocol import dataset_and_protocol
from ganbench.evaluation.extra_metrics import check_extra_metrics
from ganbench.evaluation.metrics import Direction, Metric
from ganbench.evaluation.protocols import MIN_SAMPLES, PROTOCOLS, Protocol
from ganbench.evaluation.real_features import Progress, unheard
from ganbench.evaluation.scorer import Scorer, Scores

ALL = "all"
NO_METRICS: Mapping[str, Metric] = MappingProxyType({})
KEPT = 2
"""Number of data sets with their evaluators that are kept between calls: one of images takes up to a gigabyte."""


@dataclass(frozen=True)
class Score:
    """One value, with the reference values needed to interpret it.

    Attributes:
        value: NaN if the metric is not defined for these samples.
        floor: the score of equally many real samples; NaN if there is none.
        floor_sd: its standard deviation among several sets of real samples; NaN if it is unknown.
        ceiling: the best possible value, if there is one.
        direction: the better direction: lower, higher, or nearer to the floor ("real").
        extra: whether the metric is outside the protocol.
        standing: where the value stands beside real samples; None if that can't be known.
    """

    metric: str
    value: float
    floor: float
    floor_sd: float
    ceiling: float | None
    direction: Direction
    extra: bool = False

    @property
    def standing(self) -> Standing | None:
        return Measured(self.value, self.floor, self.floor_sd).standing(self.direction)


@dataclass(frozen=True)
class Evaluation:
    """The scores of a set of samples under a protocol.

    Attributes:
        protocol: its name and version.
        evaluator: the evaluator's name; `evaluator_sha256` is the hash of its weights.
        samples: number of samples scored.
        scores: in the protocol's order, then those of metrics outside it.
        modes: names of the modes.
        shares: the share of samples in each mode.
        good_shares: the share in each mode of samples that the protocol's rule accepts.
        fair_shares: the share of each mode in real data.
        verdict: on sharpness, modes and variety, under the same rule for every protocol.
        mode_word: the plural noun for modes.
    """

    dataset: str
    protocol: str
    evaluator: str
    evaluator_sha256: str
    samples: int
    scores: tuple[Score, ...]
    modes: tuple[str, ...]
    shares: tuple[float, ...]
    good_shares: tuple[float, ...]
    fair_shares: tuple[float, ...]
    verdict: Verdict
    mode_word: str = MODES

    def __getitem__(self, metric: str) -> float:
        """The value of a metric.

        Raises:
            KeyError: there is no such score.
        """
        for score in self.scores:
            if score.metric == metric:
                return score.value
        raise KeyError(metric)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; an undefined number is None."""
        plain = asdict(self) | {"verdict": {"word": word_of(self.verdict)} | self.verdict.to_dict(self.mode_word)}
        for score in plain["scores"]:
            for key in ("value", "floor", "floor_sd"):
                if math.isnan(score[key]):
                    score[key] = None
        for plain_score, score in zip(plain["scores"], self.scores, strict=True):
            plain_score["standing"] = score.standing
        return plain


def evaluate_under(
    protocols: Sequence[str],
    samples: Tensor,
    *,
    dataset: str,
    count: int | None,
    device: torch.device,
    progress: Progress = unheard,
    metrics: Mapping[str, Metric] = NO_METRICS,
) -> list[Evaluation]:
    """Score the same samples under several protocols; "all" means those that support the data set with its options.

    Args:
        samples: float32 [N, *shape], images in [−1, 1], points unscaled, in random order (see `mixed`).
        progress: told of what has to be computed of real samples first, if the number or the data are unusual.
        metrics: metrics outside the protocols, by the names of their scores.
    """
    scorers = [ProtocolScorer(*set_up(dataset, name), device, progress) for name in expand(protocols, dataset)]
    return [scorer.score(samples, count, metrics) for scorer in scorers]


def mixed(samples: Tensor, count: int) -> Tensor:
    """The first samples, at most this many, in an order of their own that is the same each time.

    Given samples may be sorted, by mode or by the run that made them. If there are more than a protocol scores, or than
    a metric compares, the first of them would not stand for all.
    """
    return samples[torch.randperm(len(samples), generator=stream(0, "order"))[: max(count, 0)]]


def expand(protocols: Sequence[str], dataset: str) -> list[str]:
    """Protocol names, with "all" replaced by those that support the data set with its options."""
    if list(protocols) != [ALL]:
        return list(protocols)
    target = set_up(dataset, Dataset.protocol)[0]
    return [name for name in PROTOCOLS if _supports(name, target)]


def set_up(dataset: str, protocol: str) -> tuple[Dataset, Protocol]:
    """Create the data set and the protocol from their names, with options as in "ring:radius=2"."""
    return dataset_and_protocol(parse_component(dataset), {"name": protocol})


def kept_scorer(dataset: Dataset, protocol: Protocol, device: torch.device) -> ProtocolScorer:
    """A protocol ready to score samples of a data set, the same one each time: loading it takes seconds.

    The last few are kept. A component that was registered again, or has other options, is another one.
    """
    return _kept_scorer(dataset, protocol, device, cache_folder())


@lru_cache(maxsize=KEPT)
def _kept_scorer(dataset: Dataset, protocol: Protocol, device: torch.device, _cache: Path) -> ProtocolScorer:
    return ProtocolScorer(dataset, protocol, device)


def samples_sha256(samples: Tensor) -> str:
    """SHA-256 of a set of samples."""
    return hashlib.sha256(samples.cpu().contiguous().numpy().tobytes()).hexdigest()


def _supports(name: str, dataset: Dataset) -> bool:
    try:
        PROTOCOLS.create({"name": name}).case(dataset)
    except GanbenchError:
        return False
    return True


class ProtocolScorer:
    """A protocol ready to score samples of a data set.

    Attributes:
        case: the protocol's settings for the data set.
        data: the loaded data.
        scorer: the protocol applied to them, by their evaluator.
    """

    def __init__(
        self, dataset: Dataset, protocol: Protocol, device: torch.device, progress: Progress = unheard
    ) -> None:
        self.dataset, self.protocol = dataset, protocol
        self.case = protocol.case(dataset)
        self.data: Data = dataset.load(scoring_device(device), say=_quiet)
        self.scorer = Scorer.with_disk_cache(self.case, dataset, self.data, progress)

    def check_count(self, count: int) -> None:
        """Refuse a number of samples that can't be scored.

        Raises:
            GanbenchError: they are too few to mean anything, or more than there are real ones.
        """
        if count < MIN_SAMPLES:
            raise GanbenchError(f"{count} samples are too few to mean anything: score at least {MIN_SAMPLES}")
        if self.dataset.finite and count > self.dataset.train_size:
            raise GanbenchError(
                f"there are only {self.dataset.train_size:,} real samples to compare {count:,} with: score fewer"
            )

    def score(self, samples: Tensor, count: int | None, metrics: Mapping[str, Metric] = NO_METRICS) -> Evaluation:
        """Score the first samples, as many as the protocol says unless another number is given.

        Args:
            metrics: metrics outside the protocol, by the names of their scores.

        Raises:
            GanbenchError: too few samples, or more than there are real ones, or a metric is in the protocol already.
        """
        check_extra_metrics(metrics, self.case, self.protocol.name)
        wanted = self.dataset.scorable(self.case.samples) if count is None else count
        self.check_count(wanted)
        if len(samples) < wanted:
            hint = f", or score fewer with --count {len(samples)}, which the table will state" if count is None else ""
            raise GanbenchError(
                f"protocol '{self.protocol.name}' needs {wanted:,} samples, but there are only {len(samples):,}: "
                f"generate more{hint}"
            )
        features = self.scorer.evaluator(samples[:wanted].to(self.data.device))
        scores = self.scorer.score(features)
        listed = _listed(scores, self.case.metrics)
        if metrics:
            listed += _listed(self.scorer.with_metrics(metrics).score(features), metrics, extra=True)
        return self._evaluation(scores, listed, self.scorer.beside_real.verdict(features))

    def _evaluation(self, scores: Scores, listed: tuple[Score, ...], verdict: Verdict) -> Evaluation:
        return Evaluation(
            dataset=self.dataset.name,
            protocol=self.protocol.label(self.case, scores.samples),
            evaluator=self.scorer.evaluator.name,
            evaluator_sha256=self.scorer.evaluator.sha256,
            samples=scores.samples,
            scores=listed,
            modes=self.data.mode_names,
            shares=scores.shares,
            good_shares=scores.good_shares,
            fair_shares=self.scorer.fair_shares,
            verdict=verdict,
            mode_word=self.dataset.mode_word,
        )


def _listed(scores: Scores, metrics: Mapping[str, Metric], *, extra: bool = False) -> tuple[Score, ...]:
    return tuple(
        Score(
            name,
            value,
            scores.floors[name],
            scores.floor_sds[name],
            scores.ceilings.get(name),
            metrics[name].direction,
            extra,
        )
        for name, value in scores.values.items()
    )


def _quiet(line: str) -> None:
    """Discard messages about fetching a data set: the caller is a program."""
