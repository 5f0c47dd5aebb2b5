"""Speed of training: against the textbook, against the bare step, and with many seeds at once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.flops import Products
from benchmarks.measure import Row, Setting, in_turn, ratios, seconds_each
from benchmarks.roofline import product_speed
from benchmarks.textbook import Pictures, textbook_steps
from benchmarks.turns import in_turns, unscored
from ganbench.data import Data
from ganbench.data.labelled import LabelledImages
from ganbench.runs.ensemble_run import STRIDE
from ganbench.spec.run_spec import RunSpec, resolve
from ganbench.training.trainer import Snapshot, train

ENDLESS = 10**9
# Promised multiples of the textbook's speed, in float32 and bf16, by device and architecture.
PROMISED: dict[str, dict[str, tuple[float, float | None]]] = {
    "cpu": {"mlp": (2.5, 3.5), "dcgan": (1.5, 2.0)},
    "cuda": {"mlp": (30.0, None), "dcgan": (8.0, None)},
}
MIN_STEPS = 8 * STRIDE
"""The fewest steps that contain timed turns."""
STEPS = {"cpu": {"mlp": 500, "dcgan": 200}, "cuda": {"mlp": 3_000, "dcgan": 1_500}}
MANY = {
    "cpu": (("ring", "mlp", 10, 3.0, 150), ("mnist", "dcgan", 5, 5.5, 30)),
    "cuda": (("mnist", "mlp", 32, 2.0, 150),),
}
"""Data set, architecture, number of seeds, promised multiple of one seed's time, and steps, by device."""


def against_the_textbook(setting: Setting) -> Iterator[Row]:
    """Throughput of a whole run, with display and without scoring, against the textbook's in float32."""
    device, rounds = setting.device, setting.rounds
    for arch, (in_float32, in_bf16) in PROMISED[device.type].items():
        subject = f"ganbench run, mnist, {arch}, batch 64, against a textbook loop"
        for precision, target in (("float32", in_float32), ("bf16", in_bf16)):
            claim = f"{subject}: {precision}"
            if precision == "bf16" and not has_bf16(device):
                yield Row(claim, "≥", target, [], "×", "the processor has no bf16")
                continue
            spec = unscored(arch, setting.steps(STEPS[device.type][arch], MIN_STEPS), precision)
            data = spec.dataset.load(device, say=lambda _: None)
            assert isinstance(data, LabelledImages)
            textbook = textbook_steps(spec, Pictures(data.train[:, 0].cpu().numpy()), device)
            rounds_of_turns = [in_turns(spec, data, textbook, device) for _ in range(rounds)]
            speedups = [median(theirs / ours for ours, theirs in turns) for turns in rounds_of_turns]
            ours, theirs = (
                STRIDE / median(turn[index] for turns in rounds_of_turns for turn in turns) for index in (0, 1)
            )
            yield Row(claim, "≥", target, speedups, "×", f"{ours:.1f} steps/s, the textbook {theirs:.1f}")


def many_seeds(setting: Setting) -> Iterator[Row]:
    """Throughput of several seeds together against one."""
    device, rounds = setting.device, setting.rounds
    for dataset, arch, seeds, target, steps in MANY[device.type]:
        spec = _spec(dataset=dataset, arch=arch)
        data = spec.dataset.load(device, say=lambda _: None)
        one, many = (our_steps(spec, count, data, device) for count in (1, seeds))
        steps_of_many, steps_of_one = setting.steps(steps, STRIDE), setting.steps(3 * steps, STRIDE)
        times = in_turn(
            {
                "one": partial(seconds_a_step, one, steps_of_one, device),
                "many": partial(seconds_a_step, many, steps_of_many, device),
            },
            rounds,
        )
        work = flops_of_a_step(spec, seeds, data, device) / 1e9
        min_seconds = work / product_speed(setting, torch.float32)
        detail = (
            f"1 seed {1e3 * median(times['one']):.2f} ms, {seeds} seeds {1e3 * median(times['many']):.2f} ms a step; "
            f"their {work:.2f} GFLOP alone take {1e3 * min_seconds:.1f} ms at the speed of large products: "
            f"{min_seconds / median(times['one']):.1f} × at least"
        )
        claim = f"{seeds} seeds together against one, {dataset}, {arch}: time"
        yield Row(claim, "≤", target, ratios(times["many"], times["one"]), "×", detail)


def critic_updates(setting: Setting) -> Iterator[Row]:
    """Cost of a critic update of wgan-gp against one of the non-saturating loss, with the lower bound from FLOPs."""
    device, rounds = setting.device, setting.rounds
    times: dict[tuple[str, int], list[float]] = {}
    flops: dict[tuple[str, int], float] = {}
    cases = [(loss, n_critic) for loss in ("wgan-gp", "non-saturating") for n_critic in (1, 6)]
    contenders = {}
    for loss, n_critic in cases:
        spec = _spec(dataset="mnist", arch="mlp", loss=loss, n_critic=n_critic)
        data = spec.dataset.load(device, say=lambda _: None)
        steps = our_steps(spec, 1, data, device)
        flops[loss, n_critic] = flops_of_a_step(spec, 1, data, device)
        contenders[f"{loss} {n_critic}"] = partial(seconds_a_step, steps, setting.steps(60, STRIDE), device)
    measured = in_turn(contenders, rounds)
    times = {case: measured[f"{case[0]} {case[1]}"] for case in cases}

    def update(loss: str) -> list[float]:
        return [(six - one) / 5 for six, one in zip(times[loss, 6], times[loss, 1], strict=True)]

    def work(loss: str) -> float:
        return (flops[loss, 6] - flops[loss, 1]) / 5

    ours, baseline = update("wgan-gp"), update("non-saturating")
    floor = work("wgan-gp") / work("non-saturating")
    detail = (
        f"{1e3 * median(ours):.2f} against {1e3 * median(baseline):.2f} ms; "
        f"{work('wgan-gp') / 1e6:.0f} against {work('non-saturating') / 1e6:.0f} MFLOP: {floor:.2f}× at least"
    )
    yield Row(
        "critic's update of wgan-gp against non-saturating, mnist, mlp", "", None, ratios(ours, baseline), "×", detail
    )


def flops_of_a_step(spec: RunSpec, seeds: int, data: Data, device: torch.device) -> float:
    """Floating-point operations in the products of one step, run without recording: replayed steps can't be counted."""
    steps = train(spec, range(seeds), data, device, every=1, accelerated=False)
    next(steps)
    with Products() as counter:
        next(steps)
    return float(counter.flops)


def has_bf16(device: torch.device) -> bool:
    """Return whether the device multiplies bfloat16 in hardware."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    cpus = Path("/proc/cpuinfo")
    return cpus.exists() and any(flag in cpus.read_text() for flag in ("avx512_bf16", "amx_bf16"))


def our_steps(
    spec: RunSpec, seeds: int, data: Data, device: torch.device, accelerated: bool = True
) -> Iterator[Snapshot]:
    """Our training steps, with snapshots as often as in a run."""
    steps = train(spec, range(seeds), data, device, every=STRIDE, accelerated=accelerated)
    next(steps)
    return steps


def seconds_a_step(steps: Iterator[object], count: int, device: torch.device) -> float:
    """Mean seconds per step over `count` of our steps."""
    return seconds_each(steps, count // STRIDE, device, 1) / STRIDE


def _spec(*, dataset: str, arch: str, loss: str = "non-saturating", n_critic: int = 1) -> RunSpec:
    settings: dict[str, Any] = {"loss": loss, "arch": arch, "dataset": dataset}
    named = {key: {"name": name} for key, name in settings.items()}
    return resolve({**named, "train": {"steps": ENDLESS, "n_critic": n_critic}})
