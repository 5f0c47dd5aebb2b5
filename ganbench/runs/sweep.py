"""Sweeps: the missing runs of an experiment file, trained by an executor until all are done or the time is up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch

from ganbench.runs.block_queue import BlockQueue
from ganbench.runs.executors import Executor
from ganbench.runs.progress import read_progress
from ganbench.runs.run import close_finished_groups
from ganbench.runs.sweep_status import GroupStatus, group_statuses
from ganbench.runs.task import Task, TaskResult
from ganbench.spec.run_spec import RunSpec
from ganbench.spec.sweep_spec import Sweep
from ganbench.tracking import Status
from ganbench.tracking.annotations import annotation_tags
from ganbench.tracking.mlflow.tracker import MlflowTracker
from ganbench.tracking.store import Store

TICK = 0.5
"""Seconds between two updates of running groups."""
BUSY_PAUSE = 2.0
"""Seconds before retrying a group that another process is running."""


class SweepObserver(Protocol):
    """Receives the progress of a sweep."""

    def ended(self, group: GroupStatus, error: str) -> None:
        """Called when a block of a group has ended, with an error if it failed."""

    def refresh(self) -> None:
        """Called when the progress of groups may have changed."""


@dataclass(frozen=True)
class SweepJob:
    """A sweep to perform: what is to be trained, and where it is tracked.

    Attributes:
        device: as in `--device`.
        plugins: files that register the plug-in components of the specs.
    """

    sweep: Sweep
    experiment: str
    store: Store
    device: str
    plugins: Sequence[str] = ()

    @cached_property
    def specs(self) -> Mapping[str, RunSpec]:
        """The specs by the id of their group."""
        return {spec.group_id: spec for spec in self.sweep.specs}

    def groups(self, tracked: Mapping[str, Status]) -> dict[str, GroupStatus]:
        """Return the status of every group, by its id, and complete finished ones whose process was killed.

        Args:
            tracked: status of each run that was tracked, by its id.
        """
        statuses = group_statuses(self.sweep.plan, tracked, self.store, self.experiment)
        groups = {group.record.group_id: group for group in statuses}
        finished = {name: self.store.checkpoints(self.experiment, name) for name, group in groups.items() if group.done}
        runs = {name: {seed: groups[name].record.run_id(seed) for seed in groups[name].statuses} for name in finished}
        close_finished_groups(finished, runs, MlflowTracker(self.store, self.experiment))
        return groups

    def load_data(self, groups: Iterable[GroupStatus], say: Callable[[str], None]) -> None:
        """Load the data of groups into the cache before several processes need them."""
        for dataset in dict.fromkeys(self.specs[group.record.group_id].dataset for group in groups):
            if dataset.finite:
                dataset.load(torch.device("cpu"), say=say)

    def task(self, group_id: str, seeds: Sequence[int]) -> Task:
        settings = self.specs[group_id].to_dict()
        tags = annotation_tags(self.sweep.annotations[group_id])
        return Task(group_id, settings, seeds, self.experiment, self.store.uri, self.device, self.plugins, tags)


def train_missing(
    job: SweepJob,
    groups: Mapping[str, GroupStatus],
    executor: Executor,
    observer: SweepObserver,
    stop: threading.Event,
    until: float,
    after_tasks: Callable[[], None] = lambda: None,
) -> bool:
    """Train what is missing, and update the status of each group; return True if the time was up before the end.

    The executor is closed at the end. Setting `stop` ends tasks at their next opportunity, with a checkpoint.

    Args:
        until: when to stop (`time.monotonic`).
        after_tasks: called whenever tasks have ended.
    """
    queue = BlockQueue({group_id: group.missing for group_id, group in groups.items() if not group.done})
    tasks: dict[str, Task] = {}

    def submit_blocks() -> None:
        for group_id, seeds in queue.take(tasks).items():
            tasks[group_id] = job.task(group_id, seeds)
            executor.submit(tasks[group_id])

    try:
        submit_blocks()
        retries: list[tuple[float, Task]] = []
        stopping = late = False
        while tasks:
            ended = False
            for result in executor.wait(TICK):
                if result.busy and not stopping:
                    retries.append((time.monotonic() + BUSY_PAUSE, tasks[result.group]))
                    continue
                ended = True
                _record_result(groups[result.group], tasks.pop(result.group), result)
                observer.ended(groups[result.group], result.error)
            late = time.monotonic() >= until
            if (stop.is_set() or late) and not stopping:
                stopping = True
                running = executor.stop()
                for group_id in tasks.keys() - running:
                    del tasks[group_id]
            if not stopping:
                now = time.monotonic()
                for due, task in retries:
                    if due <= now:
                        executor.submit(task)
                retries = [(due, task) for due, task in retries if due > now]
                submit_blocks()
            if ended:
                after_tasks()
            for group_id in tasks:
                groups[group_id].progress = read_progress(job.store.checkpoints(job.experiment, group_id))
            observer.refresh()
    finally:
        executor.close()
    return late and not all(group.done for group in groups.values())


def _record_result(group: GroupStatus, task: Task, result: TaskResult) -> None:
    group.progress = None
    group.statuses |= result.statuses
    if result.error:
        group.error = result.error
        group.failed |= set(task.seeds)
