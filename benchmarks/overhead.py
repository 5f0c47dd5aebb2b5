"""What a whole run costs over the bare training step: both take turns every ten steps, within one process.

Two commands that are timed one after another differ by how the machine's speed drifts within a minute, which is more
than what is looked for. Here a run is interrupted by its own observer, which does as many bare steps.
"""

from __future__ import annotations

import io
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

import torch
from rich.console import Console

from benchmarks.bare import bare_steps
from benchmarks.measure import Row, wait_for
from ganbench.config import resolve
from ganbench.data import Data
from ganbench.data.labelled import LabelledImages
from ganbench.display import Display
from ganbench.ensemble_run import STRIDE, Job, Observer
from ganbench.protocols.scorer import Scores
from ganbench.run import run
from ganbench.track.memory import MemoryTracker
from ganbench.train.trainer import Snapshot

STEPS = {"cpu": {"mlp": 1_000, "dcgan": 300}, "cuda": {"mlp": 6_000, "dcgan": 3_000}}
WARM_UP = 5
"""Turns that aren't counted."""


class TakingTurns:
    """An observer that passes everything on to another, and does bare steps whenever it is told of progress."""

    def __init__(self, observer: Observer, bare: Iterator[object], device: torch.device) -> None:
        self._observer = observer
        self._bare = bare
        self._device = device
        self._resumed: float | None = None
        self.turns: list[tuple[float, float]] = []
        """Seconds of ten steps of the run, and of ten bare ones."""

    def begin(self, seeds: Sequence[int], step: int) -> None:
        self._observer.begin(seeds, step)

    def progress(self, snapshot: Snapshot) -> None:
        self._observer.progress(snapshot)
        wait_for(self._device)
        stopped = time.perf_counter()
        for _ in range(STRIDE):
            next(self._bare)
        wait_for(self._device)
        ended = time.perf_counter()
        if self._resumed is not None:
            self.turns.append((stopped - self._resumed, ended - stopped))
        self._resumed = time.perf_counter()

    def scored(self, step: int, scores: Mapping[int, Scores]) -> None:
        self._observer.scored(step, scores)

    def say(self, line: str) -> None:
        self._observer.say(line)


def overhead(device: torch.device, rounds: int) -> Iterator[Row]:
    """Of a run with one seed, its display included, scoring and tracking left out."""
    for arch, steps in STEPS[device.type].items():
        settings = {"loss": {"name": "non-saturating"}, "arch": {"name": arch}, "dataset": {"name": "mnist"}}
        least = {"every": steps, "samples": 500, "quick_samples": 500}
        spec = resolve({**settings, "train": {"steps": steps}, "evaluation": least})
        data = spec.dataset.load(device, say=lambda _: None)
        assert isinstance(data, LabelledImages)
        over, own = [], []
        for _ in range(rounds):
            turns = _turns(Job(spec, (0,), device, Path()), data, bare_steps(spec, data, device))
            over.append(100 * (median(ours / bare for ours, bare in turns) - 1))
            own += [ours / STRIDE for ours, _ in turns]
        detail = (
            f"{1 / median(own):.1f} steps/s of the run; a round is the median of {len(turns)} turns of {STRIDE} steps"
        )
        yield Row(f"ganbench run over the bare step, {arch}", "≤", 5.0, over, "%", detail)


def _turns(job: Job, data: Data, bare: Iterator[object]) -> list[tuple[float, float]]:
    with tempfile.TemporaryDirectory() as folder:
        job = Job(job.spec, job.seeds, job.device, Path(folder))
        terminal = Console(file=io.StringIO(), force_terminal=True)
        with Display(job.spec, terminal) as display:
            observer = TakingTurns(display, bare, job.device)
            run(job, data, MemoryTracker(), observer, threading.Event())
    return observer.turns[WARM_UP:-1]  # the last one holds the scoring
