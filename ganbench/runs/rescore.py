"""Scores of a finished run by metrics outside its protocol, from its kept weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, cast

import torch

from ganbench.core.errors import GanbenchError
from ganbench.evaluation.metrics import Metric
from ganbench.evaluation.samples import GeneratorSource, read_samples
from ganbench.evaluation.scorer import Scorer, Scores
from ganbench.runs.log_schema import named_scores
from ganbench.spec.run_spec import RunSpec, resolve
from ganbench.tracking import RunRecord
from ganbench.tracking.metric_names import GOOD, MODE, parse_metric_name

WEIGHTS = "checkpoint/weights.safetensors"
"""The artifact that holds a run's weights."""
SHARE_TOLERANCE = 0.005
"""Shares of modes that differ by more than this are those of other samples; rounding moves a few."""


def spec_to_rescore(record: RunRecord) -> RunSpec:
    """Return the spec of a run with final scores.

    Raises:
        GanbenchError: the run has no final scores, or its spec was not tracked.
    """
    if record.status not in ("finished", "collapsed"):
        raise GanbenchError(f"the run '{record.id}' has no final scores: it is {record.status}")
    if "spec" not in record.tags:
        raise GanbenchError(f"the run '{record.id}' was made by a version of ganbench that didn't keep its spec")
    return resolve(json.loads(record.tags["spec"]))


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
    _check_same_samples(record, scorer.with_metrics({}).score(features), scorer)
    return scorer.with_metrics(metrics).score(features)


def _samples(spec: RunSpec, seed: int, weights: Path, device: torch.device) -> torch.Tensor:
    latent = cast(Literal["normal", "uniform"], spec.arch.latent)
    source = GeneratorSource(spec.evaluation.samples, latent=latent, seed=seed, arch=spec.arch, device=device)
    return read_samples(weights, spec.dataset.shape, generator=source).tensor.to(device)


def _check_same_samples(record: RunRecord, scores: Scores, scorer: Scorer) -> None:
    tracked = {str(parse_metric_name(name)): value for name, _, value in record.history}
    shares = {
        name: value
        for name, value in named_scores(scores, scorer.mode_names, "final").items()
        if parse_metric_name(name).metric.startswith((MODE, GOOD))
    }
    different = [name for name, value in shares.items() if abs(tracked.get(name, value) - value) > SHARE_TOLERANCE]
    if different:
        share = parse_metric_name(different[0]).metric
        raise GanbenchError(
            f"the weights of run '{record.id}' don't make the samples that were scored: {share} was "
            f"{tracked[different[0]]:.4f} and is {shares[different[0]]:.4f}"
        )


def step_of_final_scores(record: RunRecord) -> int:
    """Return the step at which a run's final scores were tracked."""
    steps = [step for name, step, _ in record.history if parse_metric_name(name).kind == "final"]
    return max(steps)
