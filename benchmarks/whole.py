"""Wall times of whole commands, measured from outside."""

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
    """Wall time of a Python command in an empty folder, in seconds.

    Raises:
        RuntimeError: it failed; the message has its output.
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        result = subprocess.run(
            [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        duration = time.perf_counter() - start
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {result.stderr}")
    return duration


def several_seconds(command: Sequence[str], times: int) -> list[float]:
    """Wall times of repeated runs of a command, after an untimed one."""
    seconds(command)
    return [seconds(command) for _ in range(times)]
