"""Waiting times of commands (help, list, first training step), and the cost of tracking."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from benchmarks.measure import Row, Setting
from benchmarks.whole import seconds, several_seconds
from ganbench.cli.console.run_progress import Display
from ganbench.runs.job import Job
from ganbench.runs.run import run
from ganbench.spec.run_spec import resolve
from ganbench.tracking.mlflow.tracker import MlflowTracker
from ganbench.tracking.store import find_store


def waiting(setting: Setting) -> Iterator[Row]:
    """Wall times of whole processes."""
    device, rounds = setting.device, setting.rounds
    for command, target in (("--help", 0.3), ("list", 0.5)):
        yield Row(f"ganbench {command}", "≤", target, several_seconds(["-m", "ganbench", command], 2 * rounds + 1), "s")
    seconds(["-m", "benchmarks.first_step", "--device", device.type])
    waits = [seconds(["-m", "benchmarks.first_step", "--device", device.type]) for _ in range(rounds)]
    yield Row("ganbench run, warm data, to its first steps", "≤", 6.0, waits, "s")


def tracking(setting: Setting) -> Iterator[Row]:
    """MLflow's share of a default run of eight epochs with twenty evaluations; it is long, so measured only once."""
    device = setting.device
    spec = resolve({"loss": {"name": "non-saturating"}})
    data = spec.dataset.load(device, say=lambda _: None)
    with tempfile.TemporaryDirectory() as folder:
        tracker = MlflowTracker(find_store(folder), "bench")
        job = Job(spec, (0,), device, Path(folder) / "checkpoints")
        with Display(spec, Console(quiet=True)) as display:
            run(job, data, tracker, display, threading.Event())
    seconds_by_phase = job.profile.seconds
    share = 100 * seconds_by_phase["tracking"] / sum(seconds_by_phase.values())
    detail = ", ".join(f"{phase} {value:.2f} s" for phase, value in seconds_by_phase.items())
    yield Row("tracking in a default run, metrics and pictures", "≤", 2.0, [share], "%", detail)
