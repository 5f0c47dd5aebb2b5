"""Progress of a group of seeds, published in a small file beside its checkpoints.

A sweep's table, `ganbench status` in another terminal and any executor read the same file; no other channel is needed.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from ganbench.core.processes import is_running

if TYPE_CHECKING:  # both import torch, and to read progress needs none
    from ganbench.evaluation.scorer import Scores
    from ganbench.training.trainer import Snapshot

PROGRESS_FILE = "progress.json"
UPDATE_INTERVAL = 0.5
"""Seconds between two updates of the file."""
STALE = 600.0
"""Seconds without an update after which a process on another host counts as dead; longer than an evaluation takes."""


@dataclass(frozen=True)
class Progress:
    """Progress of seeds that train together.

    Attributes:
        began_step: the step at which this process started or resumed.
        began, at: the times of its start and of this update, in seconds since the epoch.
    """

    host: str
    pid: int
    seeds: tuple[int, ...]
    steps: int
    step: int
    began_step: int
    began: float
    at: float

    @property
    def speed(self) -> float:
        """Steps per second, including evaluations; a step trains all seeds of the group."""
        return (self.step - self.began_step) / max(self.at - self.began, 1e-9)

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds until the end, or None before the first step."""
        return (self.steps - self.step) / self.speed if self.step > self.began_step else None


class ProgressFile:
    """Writes the file during a run: the `Observer` of a sweep's tasks."""

    def __init__(self, folder: Path, steps: int) -> None:
        self._folder = folder
        self._steps = steps
        self._latest: Progress | None = None

    def __enter__(self) -> ProgressFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            if self._latest is not None:
                (self._folder / PROGRESS_FILE).unlink(missing_ok=True)

    def begin(self, seeds: Sequence[int], step: int) -> None:
        now = time.time()
        self._write(Progress(platform.node(), os.getpid(), tuple(seeds), self._steps, step, step, now, now))

    def progress(self, snapshot: Snapshot) -> None:
        now = time.time()
        if self._latest is not None and now - self._latest.at >= UPDATE_INTERVAL:
            self._write(Progress(**asdict(self._latest) | {"step": snapshot.step, "at": now}))

    def scored(self, step: int, scores: Mapping[int, Scores]) -> None:
        """Do nothing: scores are read from the tracker."""

    def say(self, line: str) -> None:
        print(line, flush=True)

    def _write(self, progress: Progress) -> None:
        self._latest = progress
        # Best effort: the progress file is not essential, and a full disk is reported elsewhere.
        with suppress(OSError):
            part = self._folder / f".part-{PROGRESS_FILE}"
            part.write_text(json.dumps(asdict(progress)), encoding="utf-8")
            part.replace(self._folder / PROGRESS_FILE)


def read_progress(folder: Path) -> Progress | None:
    """Read the progress of the group with this checkpoint folder; None if no process is working on it."""
    try:
        values = json.loads((folder / PROGRESS_FILE).read_text(encoding="utf-8"))
        progress = Progress(**values | {"seeds": tuple(values["seeds"])})
        return progress if _is_at_work(progress) else None
    except (OSError, ValueError, TypeError, KeyError, OverflowError):
        return None


def _is_at_work(progress: Progress) -> bool:
    running = is_running(progress.pid) if progress.host == platform.node() else None
    return time.time() - progress.at < STALE if running is None else running
