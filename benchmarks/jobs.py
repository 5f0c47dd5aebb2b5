"""Processes of one thread each, as a sweep starts them, against one process that uses all cores."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from statistics import median

from benchmarks.measure import Row, Setting, in_turn, ratios
from ganbench.runs.cores import own_cores

CASES = (("ring", "mlp", 10, 1000), ("mnist", "mlp", 7, 100), ("mnist", "dcgan", 7, 30))
"""Data set, architecture, number of seeds, and steps."""


def jobs(setting: Setting) -> Iterator[Row]:
    """Steps per second of all processes together, training side by side, against those of one process."""
    cores = own_cores()
    for dataset, arch, seeds, steps in CASES:
        shared = [arch, dataset, str(seeds)]
        contenders = {
            "one": partial(_seconds_a_step, shared, setting.steps(steps, 30), 1, cores),
            "many": partial(_seconds_a_step, shared, setting.steps(steps, 30), cores, 1),
        }
        times = in_turn(contenders, setting.rounds)
        speeds = ", ".join(f"{name}: {1 / median(durations):.3g} steps/s" for name, durations in times.items())
        claim = f"{cores} processes of one thread against one of {cores}, {dataset}, {arch}, {seeds} seeds: speed"
        yield Row(claim, "≥", 1.0, ratios(times["one"], times["many"]), "×", speeds)


def _seconds_a_step(shared: list[str], steps: int, processes: int, threads: int) -> float:
    """Time for one step, of all processes together."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "STEPS": str(steps)}
    command = [sys.executable, "-m", "benchmarks.busy_child", *shared]
    children = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    speeds = [float(child.communicate()[0]) for child in children]
    return 1 / sum(speeds)
