"""Alternation of a run and another loop, ten steps each, within one process.

If two commands are timed one after the other, the drift of the machine's speed within a minute exceeds the difference
of interest. Here the run's own observer interrupts it, and lets the other loop make the same number of steps.
"""

from __future__ import annotations

import io
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from rich.console import Console

from benchmarks.measure import wait_for
from ganbench.cli.console.run_progress import Display
from ganbench.data import Data
from ganbench.evaluation.scorer import Scores
from ganbench.runs.ensemble_run import STRIDE
from ganbench.runs.job import Job, Observer
from ganbench.runs.run import run
from ganbench.spec.run_spec import RunSpec, resolve
from ganbench.tracking.memory import MemoryTracker
from ganbench.training.trainer import Snapshot

WARM_UP = 5
"""Untimed turns."""


class TakingTurns:
    """An observer that forwards to another, and lets another loop make its steps at every report of progress."""

    def __init__(self, observer: Observer, other: Iterator[object], device: torch.device) -> None:
        self._observer = observer
        self._other = other
        self._device = device
        self._resumed: float | None = None
        self.turns: list[tuple[float, float]] = []
        """Seconds of ten steps of the run and of ten of the other loop, for each turn."""

    def begin(self, seeds: Sequence[int], step: int) -> None:
        self._observer.begin(seeds, step)

    def progress(self, snapshot: Snapshot) -> None:
        self._observer.progress(snapshot)
        wait_for(self._device)
        stopped = time.perf_counter()
        for _ in range(STRIDE):
            next(self._other)
        wait_for(self._device)
        ended = time.perf_counter()
        if self._resumed is not None:
            self.turns.append((stopped - self._resumed, ended - stopped))
        self._resumed = time.perf_counter()

    def scored(self, step: int, scores: Mapping[int, Scores]) -> None:
        self._observer.scored(step, scores)

    def say(self, line: str) -> None:
        self._observer.say(line)


def unscored(arch: str, steps: int, precision: str = "float32") -> RunSpec:
    """A run of the non-saturating loss on MNIST with the least possible scoring, and only at its end."""
    settings = {"loss": {"name": "non-saturating"}, "arch": {"name": arch}, "dataset": {"name": "mnist"}}
    train = {"steps": steps, "precision": precision}
    return resolve({**settings, "train": train, "evaluation": {"every": steps, "samples": 500, "quick_samples": 500}})


def in_turns(spec: RunSpec, data: Data, other: Iterator[object], device: torch.device) -> list[tuple[float, float]]:
    """Seconds of ten steps of a run with one seed, including its display, and of ten of the other, for each turn."""
    with tempfile.TemporaryDirectory() as folder:
        terminal = Console(file=io.StringIO(), force_terminal=True)
        with Display(spec, terminal) as display:
            observer = TakingTurns(display, other, device)
            run(Job(spec, (0,), device, Path(folder)), data, MemoryTracker(), observer, threading.Event())
    return observer.turns[WARM_UP:-1]  # the last one includes the scoring
