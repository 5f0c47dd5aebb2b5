"""Executors of a sweep's tasks. Experiment files are the same for all of them.

An executor accepts tasks, and returns their results as they end. It automatically restarts a task whose process or
machine was lost, from its checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ganbench.runs.task import Task, TaskResult

TRIES = 5
"""The number of attempts at a task whose process keeps dying."""


def choose(name: str, *, jobs: int | None, device: str, address: str | None, gpus: float | None, log: Path) -> Executor:
    """Create the executor `local` or `ray`.

    Args:
        jobs: number of concurrent tasks; None for the executor's default.
        device: `cpu` or `cuda`.
        address: address of a Ray cluster.
        gpus: fraction of a GPU for each task under Ray.
        log: file for the output of local workers.
    """
    if name == "ray":
        from ganbench.runs.executors.ray import Ray

        return Ray(jobs, gpus if gpus is not None else float(device == "cuda"), address)
    from ganbench.runs.executors.local import Local

    return Local(jobs, device, log)


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
