"""Tracking: where runs are written to and read from, as an interface. Only `track/mlflow/` knows MLflow.

A run is written by one process at a time, and everything may be written twice: after a kill the resumed run logs its
last evaluation again, and nothing is doubled by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

Status = Literal["running", "finished", "collapsed", "diverged", "stopped"]
"""`finished`, `collapsed` (ended early by `--stop-on collapse`) and `diverged` are results; `running` and `stopped`
runs are taken up again by the same command."""

DONE: tuple[Status, ...] = ("finished", "collapsed", "diverged")


class RunLog(Protocol):
    """One run that is being written."""

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers at a step."""

    def image(self, name: str, step: int, pixels: NDArray[np.uint8]) -> None:
        """A picture at a step, [H, W] or [H, W, 3]."""

    def figure(self, name: str, figure: Figure) -> None:
        """A plot, under a file name."""

    def tags(self, values: Mapping[str, str]) -> None:
        """Words about the run as a whole."""

    def file(self, path: Path, folder: str) -> None:
        """A file, copied into a folder of the run's artifacts."""

    def finish(self, status: Status, step: int) -> None:
        """Close the run, which came to this step."""


class Tracker(Protocol):
    """Where runs are kept."""

    def status(self, run_id: str) -> Status | None:
        """How the run with this id ended, or None if there is none."""

    def statuses(self) -> Mapping[str, Status]:
        """How every run ended, by its id."""

    def open(self, run: RunInfo, group: RunInfo) -> RunLog:
        """Begin a run under its group's parent run, or take it up again."""

    def discard(self, run_id: str) -> None:
        """Take a run out of sight, so that it can be repeated."""

    def settle(self) -> int:
        """Wait until all that was written has arrived; return how many runs are kept here, because it can't."""

    def close_group(self, group_id: str, status: Status) -> None:
        """Mark the parent run, if there is one, as ended."""


COST_TAG = "cost-of-step/"
"""What one step costs is tracked as tags that begin so."""


@dataclass(frozen=True)
class RunInfo:
    """What is known about a run before it begins."""

    id: str
    title: str
    params: Mapping[str, Any]
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RunRecord:
    """A tracked run, read back."""

    id: str
    group: str
    seed: int
    status: Status
    params: Mapping[str, str]
    tags: Mapping[str, str]
    history: Sequence[tuple[str, int, float]]
    """(metric, step, value), in the order of steps."""
