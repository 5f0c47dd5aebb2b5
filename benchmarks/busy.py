"""Training beside another busy process: with the thread wait policy of `ganbench run`, and with the default one."""

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
    """Runs of `mlp` alone and beside a process that uses a core, with ganbench's thread settings and the defaults."""
    contenders = {
        f"{threads} {company}": partial(_seconds, environment, setting.steps(STEPS), company == "busy")
        for company in ("quiet", "busy")
        for threads, environment in (("ours", {}), ("spinning", SPINNING))
    }
    found = in_turn(contenders, setting.rounds)
    speeds = ", ".join(f"{name}: {1 / median(times):.3g} steps/s" for name, times in found.items())
    quiet = [100 * (ratio - 1) for ratio in ratios(found["ours quiet"], found["spinning quiet"])]
    yield Row(
        "how threads wait, on a quiet machine: time of a step of mlp over libgomp's default",
        "≤",
        3.0,
        quiet,
        "%",
        speeds,
    )
    alone = found["spinning quiet"]
    ours, spinning = ([ratio - 1 for ratio in ratios(found[f"{name} busy"], alone)] for name in ("ours", "spinning"))
    claim = "beside a process that takes a core: what libgomp's default loses, against what a run loses"
    yield Row(claim, "≥", 5.0, ratios(spinning, [max(each, 0.01) for each in ours]), "×", speeds)


def _seconds(environment: Mapping[str, str], steps: int, company: bool) -> float:
    with _another_process() if company else _nobody():
        command = [sys.executable, "-m", "benchmarks.busy_child", "mlp", "mnist", "1"]
        done = subprocess.run(
            command, env=_environment({**environment, "STEPS": str(steps)}), check=True, capture_output=True, text=True
        )
    return 1 / float(done.stdout)


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
def _nobody() -> Iterator[None]:
    yield
