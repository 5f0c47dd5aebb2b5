"""The interface of executors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ganbench.runs.task import Task, TaskResult

TRIES = 5
"""The number of attempts at a task whose process keeps dying."""


class Executor(Protocol):
    """Performs tasks, several concurrently."""

    jobs: int
    """Number of concurrent tasks."""

    def submit(self, task: Task) -> None:
        """Accept a task."""

    def wait(self, seconds: float) -> Sequence[TaskResult]:
        """Return results since the last call; wait for one for at most `seconds`."""

    def stop(self) -> set[str]:
        """Ask every running task to stop at its next opportunity, with a checkpoint.

        Returns the groups that are running: their results will still arrive; waiting tasks are dropped.
        """

    def close(self) -> None:
        """Terminate everything still running, immediately."""
