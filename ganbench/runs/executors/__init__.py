"""Executors: who does the tasks of a sweep. The experiment file is the same for all of them.

An executor takes tasks, and gives back their outcomes as they end. A task whose process or machine was lost is begun
again, from its checkpoint, without anybody being asked; that is what an executor is for.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ganbench.runs.task import Task, TaskResult

TRIES = 5
"""How often a task is begun whose process dies under it."""


def choose(name: str, *, jobs: int | None, device: str, address: str | None, gpus: float | None, log: Path) -> Executor:
    """The executor `local` or `ray`.

    Args:
        jobs: tasks at once; None for what suits it.
        device: `cpu` or `cuda`.
        address: of a Ray cluster.
        gpus: share of a GPU that each task gets under Ray.
        log: where what local workers say goes.
    """
    if name == "ray":
        from ganbench.runs.executors.ray import Ray

        return Ray(jobs, gpus if gpus is not None else float(device == "cuda"), address)
    from ganbench.runs.executors.local import Local

    return Local(jobs, device, log)


class Executor(Protocol):
    """Does tasks, several at once."""

    jobs: int
    """How many at once."""

    def submit(self, task: Task) -> None:
        """Take a task."""

    def wait(self, seconds: float) -> Sequence[TaskResult]:
        """Outcomes that have come since the last call; waits for one for at most so long."""

    def stop(self) -> set[str]:
        """Let every task end at its next opportunity, with a checkpoint.

        Returns the groups that are at work: their outcomes still come; others are given up.
        """

    def close(self) -> None:
        """End whatever is left, at once."""
