"""Scores of a finished run by metrics outside its protocol, from its kept weights."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, cast

import torch

from ganbench.core.errors import GanbenchError
from ganbench.evaluation.metrics import Metric
from ganbench.evaluation.samples import GeneratorSource, read_samples
from ganbench.evaluation.scorer import Scorer, Scores
from ganbench.runs.log_schema import named_scores
from ganbench.runs.reproduce import ABSOLUTE, RELATIVE
from ganbench.spec.run_spec import RunSpec, resolve
from ganbench.tracking import RunRecord
from ganbench.tracking.metric_names import GOOD, MODE, parse_metric_name

WEIGHTS = "checkpoint/weights.safetensors"
"""The artifact that holds a run's weights."""


def spec_to_rescore(record: RunRecord) -> RunSpec:
    """Return the spec of a run with final scores.

    Raises:
        GanbenchError: the run has no final scores, or its spec was not tracked.
    """
    if record.status not in ("finished", "collapsed"):
        raise GanbenchError(f"the run '{record.id}' has no final scores: it is {record.status}")
    if "spec" not in record.tags:
        raise GanbenchError(f"the run '{record.id}' was made by a version of ganbench that didn't keep its spec")
    spec = resolve(json.loads(record.tags["spec"]))
    if spec.protocol_label != record.tags.get("protocol", spec.protocol_label):
        raise GanbenchError(
            f"the run '{record.id}' was scored under {record.tags['protocol']}, which is {spec.protocol_label} by now"
        )
    return spec


def rescore(record: RunRecord, spec: RunSpec, weights: Path, metrics: Mapping[str, Metric], scorer: Scorer) -> Scores:
    """Score the run's final samples, generated again from its weights, by some metrics.

    Args:
        metrics: by name.
        scorer: that of the run's protocol and data set.

    Raises:
        GanbenchError: the samples aren't those that were scored, or the run was scored by another evaluator.
    """
    if record.tags.get("evaluator-sha256") != scorer.evaluator.sha256:
        raise GanbenchError(
            f"the run '{record.id}' was scored by another evaluator ({record.tags.get('evaluator', 'unknown')}), so "
            f"new scores can't be compared with its own"
        )
    features = scorer.evaluator(_samples(spec, record.seed, weights, scorer.device))
    quick = {name: spec.case.metrics[name] for name in spec.case.quick}
    _check_same_samples(record, scorer.with_metrics(quick).score(features), scorer)
    return scorer.with_metrics(metrics).score(features)


def _samples(spec: RunSpec, seed: int, weights: Path, device: torch.device) -> torch.Tensor:
    latent = cast(Literal["normal", "uniform"], spec.arch.latent)
    source = GeneratorSource(spec.evaluation.samples, latent=latent, seed=seed, arch=spec.arch, device=device)
    return read_samples(weights, spec.dataset.shape, generator=source).tensor.to(device)


def _check_same_samples(record: RunRecord, scores: Scores, scorer: Scorer) -> None:
    tracked = {str(parse_metric_name(name)): value for name, _, value in record.history}
    numbers = named_scores(scores, scorer.mode_names, "final")
    again = {name: numbers[name] for name in numbers if name.startswith((MODE, GOOD))} or scores.values
    different = [name for name, value in again.items() if not _close(tracked.get(name, value), value)]
    if different:
        name = different[0]
        raise GanbenchError(
            f"the weights of run '{record.id}' don't make the samples that were scored: {name} was "
            f"{tracked[name]:.4g} and is {again[name]:.4g}"
        )


def _close(tracked: float, again: float) -> bool:
    both_undefined = math.isnan(tracked) and math.isnan(again)
    return both_undefined or math.isclose(tracked, again, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def step_of_final_scores(record: RunRecord) -> int:
    """Return the step at which a run's final scores were tracked."""
    steps = [step for name, step, _ in record.history if parse_metric_name(name).kind == "final"]
    return max(steps)
