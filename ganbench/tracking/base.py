"""The interface of a tracker, and the records that are written to it and read back."""

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
"""`finished`, `collapsed` (ended early by `--stop-on collapse`) and `diverged` are results; the same command resumes
`running` and `stopped` runs."""

DONE: tuple[Status, ...] = ("finished", "collapsed", "diverged")


class RunLog(Protocol):
    """A run that is being written."""

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Log numbers at a step."""

    def image(self, name: str, step: int, pixels: NDArray[np.uint8]) -> None:
        """Log a picture at a step, [H, W] or [H, W, 3]."""

    def figure(self, name: str, figure: Figure) -> None:
        """Log a plot under a file name."""

    def tags(self, values: Mapping[str, str]) -> None:
        """Set tags of the run as a whole."""

    def file(self, path: Path, folder: str) -> None:
        """Copy a file into a folder of the run's artifacts."""

    def finish(self, status: Status, step: int) -> None:
        """Close the run, which ended at this step."""


class Tracker(Protocol):
    """A store of runs."""

    def status(self, run_id: str) -> Status | None:
        """Return the status of the run with this id, or None if there is none."""

    def statuses(self) -> Mapping[str, Status]:
        """Return the status of every run, by id."""

    def open(self, run: RunInfo, group: RunInfo) -> RunLog:
        """Start a run under its group's parent run, or resume it."""

    def discard(self, run_id: str) -> None:
        """Hide a run, so that it can be repeated."""

    def settle(self) -> int:
        """Wait until all writes have been delivered; return the number of runs stored here because they can't be."""

    def close_group(self, group_id: str, status: Status) -> None:
        """Mark the group's parent run as ended, if there is one, and give it the results of its seeds."""


COST_TAG = "cost-of-step/"
"""Prefix of the tags for the costs of one step."""
RESUMED_WITH = "resumed-with"
"""Tag of runs that were resumed in another environment, with what had changed."""


MODE_WORD_TAG = "mode-word"
"""Tag of runs whose modes are clusters: the plural noun for them."""
VERDICT_TAG, VERDICT_TEXT_TAG = "verdict", "verdict-text"
"""Tags for the verdict on a run's samples: its word, and the whole in words."""


@dataclass(frozen=True)
class RunInfo:
    """Facts about a run that are known before it starts."""

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
