"""Session of `ganbench evaluate`: from a file to a table and, optionally, a tracked run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import click
import torch

from ganbench.cli.console.evaluation_tables import show_evaluations
from ganbench.cli.console.patience import patience_line
from ganbench.core.device import find_device, scoring_device
from ganbench.core.errors import GanbenchError
from ganbench.core.provenance import code_version, machine
from ganbench.core.screen import screen_width, wrapped
from ganbench.core.settings import parse_component
from ganbench.core.verdict_word import word_of
from ganbench.data import Dataset
from ganbench.evaluation.extra_metrics import create_extra_metrics
from ganbench.evaluation.metrics import Metric
from ganbench.evaluation.protocols import Case
from ganbench.evaluation.samples import GeneratorSource, Samples, read_samples
from ganbench.evaluation.score_samples import Evaluation, Score, evaluate_under, expand, mixed, samples_sha256, set_up
from ganbench.evaluation.scorer import Scores
from ganbench.runs.log_schema import (
    metrics_of,
    mode_word_tag,
    named_fair_shares,
    named_scores,
    named_values,
    named_verdict,
    verdict_tags,
)
from ganbench.spec.arch_for import arch_for
from ganbench.tracking import RunInfo
from ganbench.tracking.mlflow.tracker import MlflowTracker
from ganbench.tracking.store import find_store

ARRAYS = (".npy", ".npz")


@dataclass(frozen=True)
class Request:
    """The samples to score and the options, as given on the command line."""

    path: Path
    dataset: str
    protocols: tuple[str, ...]
    pixel_range: str | None
    clip: bool
    count: int | None
    arch: str | None
    latent: str | None
    latents: str | None
    seed: int
    metrics: tuple[str, ...]
    device: str


def evaluate_session(request: Request, style: str, *, track: str | None, experiment: str, store: str | None) -> str:
    """Read the samples, score them, track the scores if requested, and return the text to print."""
    device = scoring_device(find_device(request.device))
    settings = {name: set_up(request.dataset, name) for name in expand(request.protocols, request.dataset)}
    if not settings:
        raise GanbenchError(f"no protocol knows {request.dataset}: name one with --protocol")
    dataset = next(iter(settings.values()))[0]
    cases = {name: protocol.case(own_dataset) for name, (own_dataset, protocol) in settings.items()}
    for name, (own_dataset, _) in settings.items():
        if own_dataset.shape != dataset.shape:
            shape = list(own_dataset.shape)
            raise GanbenchError(f"protocol '{name}' wants samples of shape {shape}: score it by itself")
    extra_metrics = create_extra_metrics(request.metrics)
    count = request.count if request.count is not None else max(case.samples for case in cases.values())
    generator = generator_of(request, count, dataset, device)
    samples = read_samples(
        request.path, dataset.shape, pixel_range=request.pixel_range, clip=request.clip, generator=generator
    )
    if request.clip and style != "table":  # the table begins with it
        click.echo(samples.source, err=True)
    # Those of a generator are independent, so their order says nothing.
    tensor = samples.tensor if generator else mixed(samples.tensor, count)
    with patience_line() as progress:
        evaluations = evaluate_under(
            list(settings),
            tensor,
            dataset=request.dataset,
            count=request.count,
            device=device,
            progress=progress,
            metrics=extra_metrics,
        )
    width = screen_width()
    text = show_evaluations(evaluations, style, width)
    if track is not None:
        _track(track, evaluations, list(cases.values()), extra_metrics, samples, experiment, store)
    return text if style != "table" else f"{wrapped(samples.source, width)}\n\n{text}"


def generator_of(request: Request, count: int, dataset: Dataset | None, device: torch.device) -> GeneratorSource | None:
    """The settings for drawing samples, if a generator makes them; `dataset` is the one that --arch is made for."""
    if request.path.is_dir() or request.path.suffix.lower() in ARRAYS:
        return None
    arch = None
    if request.arch is not None and dataset is not None:
        options = parse_component(request.arch)
        arch = arch_for(dataset, options)
    return GeneratorSource(
        count=count,
        latent_shape=_sizes(request.latent),
        latent=cast(Literal["normal", "uniform"], request.latents or (arch.latent if arch else "normal")),
        seed=request.seed,
        arch=arch,
        device=device,
    )


def _sizes(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    parts = text.split(",")
    if not all(part.strip().isdecimal() and 0 < int(part) < 10**6 for part in parts):
        raise GanbenchError(f"--latent-shape '{text}' should read 100, or 100,1,1")
    return tuple(int(part) for part in parts)


def _track(
    name: str,
    evaluations: list[Evaluation],
    cases: list[Case],
    extra_metrics: Mapping[str, Metric],
    samples: Samples,
    experiment: str,
    store: str | None,
) -> None:
    """Track each evaluation as a finished run, with its name in place of a trained run's loss."""
    tracker = MlflowTracker(find_store(store), experiment)
    digest = samples_sha256(samples.tensor)
    for evaluation, case in zip(evaluations, cases, strict=True):
        identity = [name, digest, evaluation.dataset, evaluation.protocol, evaluation.evaluator_sha256]
        run_id = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:12]
        params = {"loss": name, "arch": "samples", "dataset": evaluation.dataset, "protocol": evaluation.protocol}
        tags = {
            "protocol": evaluation.protocol,
            **metrics_of(case, evaluation.mode_word, evaluation.evaluator, extra_metrics).tags(),
            **mode_word_tag(evaluation.mode_word),
            "evaluator": evaluation.evaluator,
            "evaluator-sha256": evaluation.evaluator_sha256,
            "source": samples.source,
            "samples-sha256": digest,
            "commit": code_version(),
            "machine": machine(),
            "seed": "0",
        }
        title = f"{name} · {evaluation.dataset} · {evaluation.protocol}"
        group = RunInfo(f"g{run_id}", title, params, tags)
        log = tracker.open(RunInfo(run_id, title, {**params, "seed": 0}, tags), group)
        log.metrics(0, _numbers(evaluation))
        log.tags(verdict_tags(word_of(evaluation.verdict), evaluation.verdict.clauses(evaluation.mode_word)))
        log.finish("finished", 0)
        tracker.close_group(group.id, "finished")


def _numbers(evaluation: Evaluation) -> dict[str, float]:
    """The scores of an evaluation by tracked name."""
    own = _scores(evaluation, [score for score in evaluation.scores if not score.extra])
    extra = _scores(evaluation, [score for score in evaluation.scores if score.extra])
    return (
        named_scores(own, evaluation.modes, "final")
        | named_values(extra, "extra")
        | named_fair_shares(evaluation.modes, evaluation.fair_shares)
        | named_verdict(evaluation.verdict)
    )


def _scores(evaluation: Evaluation, listed: Sequence[Score]) -> Scores:
    return Scores(
        samples=evaluation.samples,
        values={score.metric: score.value for score in listed},
        floors={score.metric: score.floor for score in listed},
        floor_sds={score.metric: score.floor_sd for score in listed},
        ceilings={score.metric: score.ceiling for score in listed if score.ceiling is not None},
        shares=evaluation.shares,
        good_shares=evaluation.good_shares,
    )
