"""How far a group of seeds has come, for whoever wants to know: a small file beside its checkpoints.

So a sweep's table, `ganbench status` in another terminal and any executor see the same, and none needs a channel.
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

from ganbench.evaluation.scorer import Scores
from ganbench.training.trainer import Snapshot

FILE = "progress.json"
EVERY = 0.5
"""Seconds between two looks."""
STALE = 600.0
"""Seconds after which nobody elsewhere is believed to be at work any more: longer than an evaluation takes."""


@dataclass(frozen=True)
class Progress:
    """Where seeds that train together are.

    Attributes:
        began_step: the step at which this process began or went on.
        began, at: when it began, and now, in seconds since the epoch.
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
        """Steps a second, of all its seeds together, evaluations included."""
        return (self.step - self.began_step) / max(self.at - self.began, 1e-9)

    @property
    def seconds_left(self) -> float | None:
        """None as long as nothing is known."""
        return (self.steps - self.step) / self.speed if self.step > self.began_step else None


class ProgressFile:
    """Writes the file while a run goes on: the `Observer` of those who train for a sweep."""

    def __init__(self, folder: Path, steps: int) -> None:
        self._folder = folder
        self._steps = steps
        self._now: Progress | None = None

    def __enter__(self) -> ProgressFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            if self._now is not None:
                (self._folder / FILE).unlink(missing_ok=True)

    def begin(self, seeds: Sequence[int], step: int) -> None:
        now = time.time()
        self._write(Progress(platform.node(), os.getpid(), tuple(seeds), self._steps, step, step, now, now))

    def progress(self, snapshot: Snapshot) -> None:
        now = time.time()
        if self._now is not None and now - self._now.at >= EVERY:
            self._write(Progress(**asdict(self._now) | {"step": snapshot.step, "at": now}))

    def scored(self, step: int, scores: Mapping[int, Scores]) -> None:
        """Scores are read where they are tracked."""

    def say(self, line: str) -> None:
        print(line, flush=True)

    def _write(self, progress: Progress) -> None:
        self._now = progress
        # Nobody's work is lost with it: a full disk is told of by what matters.
        with suppress(OSError):
            part = self._folder / f".part-{FILE}"
            part.write_text(json.dumps(asdict(progress)))
            part.replace(self._folder / FILE)


def read_progress(folder: Path) -> Progress | None:
    """What is known of the group with this checkpoint folder; None where nobody is at work."""
    try:
        values = json.loads((folder / FILE).read_text())
        progress = Progress(**values | {"seeds": tuple(values["seeds"])})
        return progress if _is_at_work(progress) else None
    except (OSError, ValueError, TypeError, KeyError, OverflowError):
        return None


def _is_at_work(progress: Progress) -> bool:
    if progress.host != platform.node():
        return time.time() - progress.at < STALE
    try:
        os.kill(progress.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's, but there
    return True
