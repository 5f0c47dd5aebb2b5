"""Throughput of ensembles: many seeds together, with recorded and plain steps, and the memory used."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from functools import partial
from statistics import median

import torch

from benchmarks.measure import Row, Setting, in_turn, ratios, seconds_each
from benchmarks.textbook import Points, textbook_steps
from benchmarks.training import ENDLESS, our_steps, seconds_a_step
from ganbench.data.mixture import MixturePoints
from ganbench.runs.ensemble_run import STRIDE
from ganbench.spec.run_spec import RunSpec, resolve

SEEDS = (1, 8, 32, 128)
STEPS = 400
THOUSAND = 1_000


def ensembles(setting: Setting) -> Iterator[Row]:
    """Steps of several seeds together on MNIST: recorded against plain, with the memory used."""
    for arch in ("mlp", "dcgan"):
        for seeds in SEEDS[:2] if setting.rehearsal else SEEDS:
            yield _row(arch, seeds, setting)


def _row(arch: str, seeds: int, setting: Setting) -> Row:
    device, claim = setting.device, f"{seeds} seeds together, mnist, {arch}: recorded steps against plain ones"
    spec = _spec("mnist", arch)
    data = spec.dataset.load(device, say=lambda _: None)
    _reset_peak(device)
    try:
        recorded, plain = (our_steps(spec, seeds, data, device, accelerated) for accelerated in (True, False))
        accelerated = next(recorded).accelerated
        count = max(setting.steps(STEPS // seeds), 1) * STRIDE
        contenders = {
            "recorded": partial(seconds_a_step, recorded, count, device),
            "plain": partial(seconds_a_step, plain, count, device),
        }
        times = in_turn(contenders, setting.rounds)
    except torch.OutOfMemoryError:
        return Row(claim, "", None, [], "×", "the device's memory is full")
    speed = 1 / median(times["recorded"])
    detail = (
        f"accelerated: {accelerated}; {speed:.4g} steps/s, {seeds * speed:.4g} of single seeds; plain "
        f"{1 / median(times['plain']):.4g} steps/s; peak memory {_peak(device):,.0f} MB for both"
    )
    return Row(claim, "", None, ratios(times["plain"], times["recorded"]), "×", detail)


def a_thousand_seeds(setting: Setting) -> Iterator[Row]:
    """The ring with 1,000 seeds at once, against one textbook run."""
    device, seeds = setting.device, 20 if setting.rehearsal else THOUSAND
    spec = _spec("ring", "mlp")
    data = spec.dataset.load(device, say=lambda _: None)
    assert isinstance(data, MixturePoints)
    ours = our_steps(spec, seeds, data, device)
    textbook = textbook_steps(spec, Points(data.train.cpu()), device)
    accelerated = [next(ours) for _ in range(2)][-1].accelerated
    contenders = {
        "ours": partial(seconds_a_step, ours, setting.steps(500, STRIDE), device),
        "theirs": partial(seconds_each, textbook, setting.steps(500, STRIDE), device, 5),
    }
    times = in_turn(contenders, setting.rounds)
    detail = (
        f"accelerated: {accelerated}; {1e3 * median(times['ours']):.3g} ms a step of all seeds, the textbook "
        f"{1e3 * median(times['theirs']):.3g} ms of one"
    )
    claim = f"{seeds:,} seeds of ring together against one textbook run: time"
    yield Row(claim, "", None, ratios(times["ours"], times["theirs"]), "×", detail)


def _spec(dataset: str, arch: str) -> RunSpec:
    named = {"loss": {"name": "non-saturating"}, "arch": {"name": arch}, "dataset": {"name": dataset}}
    return resolve({**named, "train": {"steps": ENDLESS}})


def _reset_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def _peak(device: torch.device) -> float:
    """Peak memory in MB."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
