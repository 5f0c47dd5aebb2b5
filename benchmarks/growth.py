"""Growth of cost with seeds, batch size, width, and the number of samples scored."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from statistics import median
from typing import Any

import torch

from benchmarks.measure import Row, Setting, in_turn, ratios, seconds_each
from benchmarks.scoring import seconds_of
from ganbench.evaluation.scorer import Scorer
from ganbench.runs.ensemble_run import STRIDE
from ganbench.spec.run_spec import RunSpec, resolve
from ganbench.training.trainer import train

ENDLESS = 10**9
SEEDS = (1, 2, 5, 10, 20)
BATCHES = (32, 64, 128, 256, 512)
WIDTHS = (0.5, 1.0, 2.0)
SAMPLES = (1_000, 2_000, 5_000, 10_000)
GENERATOR, CRITIC = (128, 256, 512, 1024), (512, 256)
"""Widths of the default mlp on MNIST."""


def growth(setting: Setting) -> Iterator[Row]:
    """Costs as multiples of the smallest case, with the times behind them."""
    device, rounds = setting.device, setting.rounds
    yield _steps("seeds together, ring, mlp", {n: (_spec("ring"), n) for n in SEEDS}, device, rounds)
    batches = {n: (_spec("mnist", batch_size=n), 1) for n in BATCHES}
    yield _steps("batch size, mnist, mlp", batches, device, rounds)
    widths = {
        factor: (_spec("mnist", generator=_times(GENERATOR, factor), critic=_times(CRITIC, factor)), 1)
        for factor in WIDTHS
    }
    yield _steps("widths, mnist, mlp", widths, device, rounds)
    yield _scoring(device, rounds)


def _steps(quantity: str, cases: dict[Any, tuple[RunSpec, int]], device: torch.device, rounds: int) -> Row:
    contenders = {}
    for name, (spec, seeds) in cases.items():
        steps = train(spec, range(seeds), spec.dataset.load(device, say=lambda _: None), device, every=STRIDE)
        next(steps)
        contenders[f"{name:g}"] = partial(seconds_each, steps, 6, device, 1)
    return _row(f"{STRIDE} steps, by {quantity}", in_turn(contenders, rounds))


def _scoring(device: torch.device, rounds: int) -> Row:
    spec = resolve({})
    data = spec.dataset.load(device, say=lambda _: None)
    scorer = Scorer.with_disk_cache(spec.case, spec.dataset, data)
    names = tuple(spec.case.metrics)

    def score(count: int) -> float:
        samples = data.floor_samples(count, 1)
        return seconds_of(lambda: scorer.values(spec.case.rule(scorer.evaluator(samples)), names), device)

    score(SAMPLES[0])  # fills the cache
    times = in_turn({f"{count:,}": partial(score, count) for count in SAMPLES}, rounds)
    return _row("all metrics, by samples scored, mnist", times)


def _row(subject: str, seconds: dict[str, list[float]]) -> Row:
    medians = {name: median(values) for name, values in seconds.items()}
    first, last = next(iter(medians)), list(medians)[-1]
    detail = ", ".join(f"{name}: {1e3 * value:.3g} ms" for name, value in medians.items())
    return Row(f"{subject}: {last} against {first}", "", None, ratios(seconds[last], seconds[first]), "×", detail)


def _times(widths: tuple[int, ...], factor: float) -> list[int]:
    return [int(width * factor) for width in widths]


def _spec(
    dataset: str, batch_size: int | None = None, generator: list[int] | None = None, critic: list[int] | None = None
) -> RunSpec:
    arch: dict[str, Any] = {"name": "mlp"}
    if generator is not None and critic is not None:
        arch |= {"generator_widths": generator, "critic_widths": critic}
    train_options = {"steps": ENDLESS} | ({"batch_size": batch_size} if batch_size else {})
    settings = {"loss": {"name": "non-saturating"}, "arch": arch, "dataset": {"name": dataset}, "train": train_options}
    return resolve(settings)
