"""In-memory tracker, for tests and for using the trainer without a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.tracking.base import RunInfo, Status

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray


@dataclass
class MemoryRunLog:
    """A run in memory; writing a step's number again replaces it."""

    head: RunInfo
    state: Status = "running"
    numbers: dict[tuple[str, int], float] = field(default_factory=dict)
    images: dict[tuple[str, int], NDArray[np.uint8]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    ended_at: int = 0

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        self.numbers |= {(name, step): value for name, value in values.items()}

    def image(self, name: str, step: int, pixels: NDArray[np.uint8]) -> None:
        self.images[name, step] = pixels

    def figure(self, name: str, figure: Figure) -> None:
        self.files[name] = b""

    def tags(self, values: Mapping[str, str]) -> None:
        self.words |= values

    def file(self, path: Path, folder: str) -> None:
        self.files[f"{folder}/{path.name}"] = path.read_bytes()

    def finish(self, status: Status, step: int) -> None:
        self.state, self.ended_at = status, step


@dataclass
class MemoryTracker:
    """Runs by id."""

    runs: dict[str, MemoryRunLog] = field(default_factory=dict)

    def status(self, run_id: str) -> Status | None:
        return self.runs[run_id].state if run_id in self.runs else None

    def statuses(self) -> dict[str, Status]:
        return {run_id: log.state for run_id, log in self.runs.items()}

    def open(self, run: RunInfo, group: RunInfo) -> MemoryRunLog:
        log = self.runs.setdefault(run.id, MemoryRunLog(run))
        log.state = "running"
        return log

    def discard(self, run_id: str) -> None:
        self.runs.pop(run_id, None)

    def settle(self) -> int:
        return 0

    def close_group(self, group_id: str, status: Status) -> None:
        """Do nothing: there is no parent run to close."""
