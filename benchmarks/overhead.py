"""Overhead of a whole run over the bare training step."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from benchmarks.bare import bare_steps
from benchmarks.measure import Row, Setting
from benchmarks.training import MIN_STEPS
from benchmarks.turns import in_turns, unscored
from ganbench.runs.ensemble_run import STRIDE

STEPS = {"cpu": {"mlp": 1_000, "dcgan": 300}, "cuda": {"mlp": 6_000, "dcgan": 3_000}}


def overhead(setting: Setting) -> Iterator[Row]:
    """Overhead of a run with one seed, including the display, without scoring and tracking."""
    device, rounds = setting.device, setting.rounds
    for arch, steps in STEPS[device.type].items():
        spec = unscored(arch, setting.steps(steps, MIN_STEPS))
        data = spec.dataset.load(device, say=lambda _: None)
        overheads, step_times = [], []
        for _ in range(rounds):
            turns = in_turns(spec, data, bare_steps(spec, data, device), device)
            overheads.append(100 * (median(ours / bare for ours, bare in turns) - 1))
            step_times += [ours / STRIDE for ours, _ in turns]
        speed = 1 / median(step_times)
        detail = f"{speed:.1f} steps/s of the run; a round is the median of {len(turns)} turns of {STRIDE} steps"
        yield Row(f"ganbench run over the bare step, {arch}", "≤", 5.0, overheads, "%", detail)
