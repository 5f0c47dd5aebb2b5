"""Whole commands, timed from outside as a person would."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]


def seconds(command: Sequence[str]) -> float:
    """Wall time of a Python command in an empty folder.

    Raises:
        RuntimeError: it failed; what it printed is told.
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        took = time.perf_counter() - began
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    return took


def several_seconds(command: Sequence[str], times: int) -> list[float]:
    """As often, after once that isn't counted."""
    seconds(command)
    return [seconds(command) for _ in range(times)]


def seconds_a_step(options: Sequence[str], fewer: int, more: int) -> float:
    """Of `ganbench run`, everything counted that grows with its steps: from a run of fewer and one of more steps.

    Nothing is scored on the way; the end's scoring, start-up and all else that comes once cancel out.
    """
    few, many = (seconds(["-m", "ganbench", "run", *options, *_unscored(steps)]) for steps in (fewer, more))
    return (many - few) / (more - fewer)


def _unscored(steps: int) -> list[str]:
    least = "evaluation.{}=500"
    assignments = [least.format(name) for name in ("samples", "quick_samples")]
    return [
        "--steps",
        str(steps),
        "--eval-every",
        str(steps),
        *(word for assignment in assignments for word in ("--set", assignment)),
    ]
