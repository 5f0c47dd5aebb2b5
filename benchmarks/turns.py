"""A run and something else in turns, ten steps of each, within one process.

Two commands that are timed one after another differ by how the machine's speed drifts within a minute, which is more
than what is looked for. Here a run is interrupted by its own observer, which lets the other make as many steps.
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
from ganbench.runs.ensemble_run import STRIDE, Job, Observer
from ganbench.runs.run import run
from ganbench.spec.run_spec import RunSpec, resolve
from ganbench.tracking.memory import MemoryTracker
from ganbench.training.trainer import Snapshot

WARM_UP = 5
"""Turns that aren't counted."""


class TakingTurns:
    """An observer that passes everything on to another, and lets others step whenever it is told of progress."""

    def __init__(self, observer: Observer, other: Iterator[object], device: torch.device) -> None:
        self._observer = observer
        self._other = other
        self._device = device
        self._resumed: float | None = None
        self.turns: list[tuple[float, float]] = []
        """Seconds of ten steps of the run, and of ten of the other."""

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
    """A run of the non-saturating loss on MNIST that is scored at its end alone, and there as little as it can be."""
    settings = {"loss": {"name": "non-saturating"}, "arch": {"name": arch}, "dataset": {"name": "mnist"}}
    train = {"steps": steps, "precision": precision}
    return resolve({**settings, "train": train, "evaluation": {"every": steps, "samples": 500, "quick_samples": 500}})


def in_turns(spec: RunSpec, data: Data, other: Iterator[object], device: torch.device) -> list[tuple[float, float]]:
    """Seconds of ten steps of a run with one seed, its display included, and of ten of the other: for each turn."""
    with tempfile.TemporaryDirectory() as folder:
        terminal = Console(file=io.StringIO(), force_terminal=True)
        with Display(spec, terminal) as display:
            observer = TakingTurns(display, other, device)
            run(Job(spec, (0,), device, Path(folder)), data, MemoryTracker(), observer, threading.Event())
    return observer.turns[WARM_UP:-1]  # the last one holds the scoring
