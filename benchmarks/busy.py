"""Training while another process is busy: with the thread wait policy of `ganbench run` and with the default one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from statistics import median

from benchmarks.measure import Row, Setting, in_turn, ratios
from ganbench.cli.console.threads import POLICIES

SPINNING: Mapping[str, str] = {"GOMP_SPINCOUNT": "300000"}
"""The default of libgomp."""
STEPS = 200


def busy(setting: Setting) -> Iterator[Row]:
    """Runs of `mlp` alone and next to a process that uses a core, with ganbench's thread settings and the defaults."""
    contenders = {
        f"{policy} {load}": partial(_seconds, environment, setting.steps(STEPS), load == "busy")
        for load in ("quiet", "busy")
        for policy, environment in (("ours", {}), ("spinning", SPINNING))
    }
    times = in_turn(contenders, setting.rounds)
    speeds = ", ".join(f"{name}: {1 / median(durations):.3g} steps/s" for name, durations in times.items())
    quiet = [100 * (ratio - 1) for ratio in ratios(times["ours quiet"], times["spinning quiet"])]
    yield Row(
        "how threads wait, on a quiet machine: time of a step of mlp over libgomp's default",
        "≤",
        3.0,
        quiet,
        "%",
        speeds,
    )
    alone = times["spinning quiet"]
    ours, spinning = ([ratio - 1 for ratio in ratios(times[f"{name} busy"], alone)] for name in ("ours", "spinning"))
    claim = "beside a process that takes a core: what libgomp's default loses, against what a run loses"
    yield Row(claim, "≥", 5.0, ratios(spinning, [max(loss, 0.01) for loss in ours]), "×", speeds)


def _seconds(environment: Mapping[str, str], steps: int, busy_machine: bool) -> float:
    with _another_process() if busy_machine else _no_process():
        command = [sys.executable, "-m", "benchmarks.busy_child", "mlp", "mnist", "1"]
        result = subprocess.run(
            command, env=_environment({**environment, "STEPS": str(steps)}), check=True, capture_output=True, text=True
        )
    return 1 / float(result.stdout)


def _environment(changes: Mapping[str, str]) -> dict[str, str]:
    return {**{name: value for name, value in os.environ.items() if name not in POLICIES}, **changes}


@contextmanager
def _another_process() -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        try:
            yield
        finally:
            other.kill()


@contextmanager
def _no_process() -> Iterator[None]:
    yield
