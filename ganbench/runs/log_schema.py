"""Schema of a run's log: its tags, and the names of its metrics and pictures; `results` reads the same names."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganbench.core.mode_states import STATES
from ganbench.core.mode_words import CLUSTERS, with_noun
from ganbench.core.provenance import code_version, machine
from ganbench.core.settings import flatten
from ganbench.core.verdict import Verdict
from ganbench.core.verdict_word import VerdictWord
from ganbench.data import Data
from ganbench.data.evaluators import Evaluator
from ganbench.data.evaluators.classifier import to_bytes
from ganbench.data.evaluators.second_opinion import BESIDE
from ganbench.data.mixture import MixturePoints
from ganbench.evaluation.collapse_detector import Event
from ganbench.evaluation.history import NAMED_MODES
from ganbench.evaluation.metrics import Metric
from ganbench.evaluation.protocols import Case
from ganbench.evaluation.scorer import Scores
from ganbench.spec.run_spec import RunSpec
from ganbench.tracking import COST_TAG, RunInfo
from ganbench.tracking.annotations import seed_title
from ganbench.tracking.base import MODE_WORD_TAG, VERDICT_TAG, VERDICT_TEXT_TAG
from ganbench.tracking.ensemble_seeds import SEEDS_TAG
from ganbench.tracking.metric_facts import MetricFacts, RunMetrics
from ganbench.tracking.metric_names import GOOD, MODE, SAMPLE_COUNT, Kind, MetricName, Role

SHEET_IMAGES = 64
"""Number of images on a sheet; a square number."""
SCATTER_POINTS = 2000
"""Number of points in a scatter plot."""
MAX_TAG_LENGTH = 4000
"""Characters that an MLflow tag holds."""


def run_facts(
    spec: RunSpec, seeds: Sequence[int], device: str, evaluator: Evaluator, extra: Mapping[str, Metric]
) -> dict[str, str]:
    """Return the tags that describe how the numbers were produced, so that they can be reproduced.

    Args:
        seeds: all seeds that train together, since rounding depends on the composition of the ensemble.
        extra: metrics outside the protocol.
    """
    return {
        "spec": json.dumps(spec.to_dict()),
        SEEDS_TAG: ",".join(map(str, seeds)),
        "protocol": spec.protocol_label,
        **metrics_of(spec.case, spec.dataset.mode_word, evaluator.name, extra).tags(),
        **mode_word_tag(spec.dataset.mode_word),
        "commit": code_version(),
        "device": device,
        "machine": machine(),
        "torch": str(torch.__version__),
        "evaluator": evaluator.name,
        "evaluator-sha256": evaluator.sha256,
        **{f"{COST_TAG}{currency}": str(cost) for currency, cost in spec.costs.items()},
        "host": platform.node(),
        "pid": str(os.getpid()),
    }


def group_head(spec: RunSpec, title: str, facts: Mapping[str, str]) -> RunInfo:
    """Describe the parent run of all seeds of a spec."""
    return RunInfo(spec.group_id, title, flatten(spec.to_dict()), facts)


def seed_head(spec: RunSpec, seed: int, title: str, facts: Mapping[str, str]) -> RunInfo:
    """Describe the run of one seed."""
    params = {**flatten(spec.to_dict()), "seed": seed}
    return RunInfo(spec.run_id(seed), seed_title(title, seed), params, {**facts, "seed": str(seed)})


def mode_word_tag(mode_word: str) -> dict[str, str]:
    """Return the tag that says that modes are clusters, for readers of results; none if they are modes."""
    return {MODE_WORD_TAG: mode_word} if mode_word == CLUSTERS else {}


def metrics_of(case: Case, mode_word: str, evaluator: str, extra: Mapping[str, Metric] | None = None) -> RunMetrics:
    """Return the facts that a reader of results needs about the metrics of a protocol's case, and of extra ones."""
    facts, of_extra = (facts_of(metrics, mode_word, evaluator) for metrics in (case.metrics, extra or {}))
    return RunMetrics(facts, case.headline, case.mode_count or "", of_extra)


def facts_of(metrics: Mapping[str, Metric], mode_word: str, evaluator: str) -> dict[str, MetricFacts]:
    """Return the facts about metrics that are tracked beside their values.

    Args:
        mode_word: the plural noun for the modes of the data set.
        evaluator: the evaluator's name.
    """
    return {
        name: MetricFacts(metric.direction, with_noun(_label(name, metric, evaluator), mode_word), metric.scale)
        for name, metric in metrics.items()
    }


def _label(name: str, metric: Metric, evaluator: str) -> str:
    embedding = evaluator.partition(BESIDE)[0]
    beside = [embedding] if metric.names_evaluator and embedding else []
    if name != metric.name and metric.label:  # an extra metric with options, which are in its name
        beside.append(name)
    return (metric.label or name.replace("_", " ")) + (f" ({', '.join(beside)})" if beside else "")


def named_scores(scores: Scores, modes: Sequence[str], kind: Kind) -> dict[str, float]:
    """Return scores by tracked name: `fid`, `floor/fid`, `mode/3`, `good/3`, …"""
    count = {str(MetricName(kind, SAMPLE_COUNT)): float(scores.samples)}
    return named_values(scores, kind) | named_shares(scores, modes, kind) | count


def named_shares(scores: Scores, modes: Sequence[str], kind: Kind) -> dict[str, float]:
    """Return shares by tracked name, none of very many modes: `mode/3` of all samples, `good/3` of good ones."""
    if len(modes) > NAMED_MODES:
        return {}
    return {
        str(MetricName(kind, prefix + mode)): share
        for prefix, shares in ((MODE, scores.shares), (GOOD, scores.good_shares))
        for mode, share in zip(modes, shares, strict=True)
    }


def named_verdict(verdict: Verdict) -> dict[str, float]:
    """Return a verdict by tracked name: `verdict/lost`, a number of modes; `verdict/good`, …"""
    numbers: dict[MetricName, float] = {
        MetricName("verdict", state.replace(" ", "_")): float(len(verdict.of_state(state))) for state in STATES
    }
    for name, measured in verdict.measured.items():
        numbers[MetricName("verdict", name)] = measured.value
        numbers[MetricName("verdict", name, "floor")] = measured.real
        numbers[MetricName("verdict", name, "floor_sd")] = measured.sd
    return {str(name): value for name, value in numbers.items()}


def named_fair_shares(modes: Sequence[str], fair: Sequence[float]) -> dict[str, float]:
    """Return the fair share of each mode as the floor of its share, none of very many modes: `floor/mode/3`."""
    if len(modes) > NAMED_MODES:
        return {}
    return {str(MetricName("final", MODE + mode, "floor")): share for mode, share in zip(modes, fair, strict=True)}


def named_values(scores: Scores, kind: Kind) -> dict[str, float]:
    """Return the values of metrics, and what stands beside them, by tracked name."""
    values: dict[MetricName, float] = {}
    roles: tuple[tuple[Role, Mapping[str, float]], ...] = (
        ("value", scores.values),
        ("floor", scores.floors),
        ("floor_sd", {name: sd for name, sd in scores.floor_sds.items() if not math.isnan(sd)}),
        ("ceiling", scores.ceilings),
    )
    for role, numbers in roles:
        values |= {MetricName(kind, metric, role): value for metric, value in numbers.items()}
    return {str(name): value for name, value in values.items()}


def named_statistics(statistics: Mapping[str, float]) -> dict[str, float]:
    """Return statistics of training by tracked name."""
    return {str(MetricName("train", name)): value for name, value in statistics.items()}


def named_events(events: Sequence[Event]) -> dict[str, float]:
    """Return the events of one step by tracked name; the value is the severity."""
    return {str(MetricName("event", event.kind)): event.severity for event in events}


def event_tag(events: Sequence[Event]) -> dict[str, str]:
    """Return the tag that lists the events of a run."""
    return {"events": "; ".join(f"{event.kind} at {event.step}" for event in events)[:MAX_TAG_LENGTH] or "none"}


def verdict_tags(word: VerdictWord | None, clauses: Sequence[str]) -> dict[str, str]:
    """Return the tags for the verdict on a run: its word, if there is one, and the whole in words."""
    return {**({VERDICT_TAG: word} if word else {}), VERDICT_TEXT_TAG: "; ".join(clauses)[:MAX_TAG_LENGTH]}


def sample_picture(data: Data, sample: Callable[[int], Tensor]) -> NDArray[np.uint8]:
    """Draw some samples: images side by side, or points with the modes.

    Args:
        sample: returns the given number of samples.
    """
    if isinstance(data, MixturePoints):
        from ganbench.core.plotting import scatter  # a third of a second, not needed before the first step

        points = sample(SCATTER_POINTS).cpu().numpy()
        return scatter(points, data.means.numpy(), 3 * data.sigma)
    return sample_sheet(sample(SHEET_IMAGES))


def sample_sheet(images: Tensor) -> NDArray[np.uint8]:
    """Arrange a square number of images in [−1, 1] in a grid at twice their size, [H, W] or [H, W, 3]."""
    pixels: NDArray[np.uint8] = to_bytes(images).cpu().numpy()
    count, channels, height, width = pixels.shape
    side = math.isqrt(count)
    tiles = pixels.reshape(side, side, channels, height, width).transpose(0, 3, 1, 4, 2)
    sheet = tiles.reshape(side * height, side * width, channels).repeat(2, axis=0).repeat(2, axis=1)
    return sheet[..., 0] if channels == 1 else sheet
