"""Tasks: seeds of one spec, to be trained by another process or on another machine."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import torch

from ganbench.core.device import find_device, scoring_device
from ganbench.core.errors import GanbenchError
from ganbench.core.plugins import load_plugins
from ganbench.core.settings import Settings
from ganbench.data import Data, Dataset
from ganbench.runs.job import Job
from ganbench.runs.progress import ProgressFile
from ganbench.runs.run import BusyError, run
from ganbench.spec.run_spec import resolve
from ganbench.tracking import Status, Tracker
from ganbench.tracking.spool import open_tracker
from ganbench.tracking.store import find_store


@dataclass(frozen=True)
class Task:
    """A task as plain values.

    Attributes:
        group: the group id of the spec.
        settings: settings that resolve to the spec.
        store: URI of the store.
        device: as in `--device`.
        plugins: files that register the plug-in components of the spec.
        tags: as in `Job`.
    """

    group: str
    settings: Settings
    seeds: Sequence[int]
    experiment: str
    store: str
    device: str
    plugins: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TaskResult:
    """The result of a task.

    Attributes:
        statuses: final status by seed.
        error: what went wrong, in one line; empty if nothing did.
        busy: True if another process is running the same seeds.
        kept: number of runs that are stored on this machine, because the tracking server did not answer.
    """

    group: str
    statuses: Mapping[int, Status] = field(default_factory=dict)
    error: str = ""
    busy: bool = False
    kept: int = 0


def perform(task: Task, stop: threading.Event) -> TaskResult:
    """Perform the remaining work of a task; errors become part of the result, since other tasks continue."""
    try:
        return _perform(task, stop)
    except BusyError:
        return TaskResult(task.group, busy=True)
    except (GanbenchError, OSError) as error:
        return TaskResult(task.group, error=str(error))
    except Exception as error:  # a plug-in may raise anything: traceback here, one line in the sweep, others go on
        traceback.print_exc()
        return TaskResult(task.group, error=f"{type(error).__name__}: {error}".partition("\n")[0])


def _perform(task: Task, stop: threading.Event) -> TaskResult:
    _plugins(tuple(task.plugins))
    spec = resolve(task.settings)
    if spec.group_id != task.group:
        raise GanbenchError("this process has another version of ganbench, or of a plug-in, than the one that asks")
    device, store = find_device(task.device), find_store(task.store)
    tracker = _tracker(task.store, task.experiment)
    job = Job(spec, tuple(task.seeds), device, store.checkpoints(task.experiment, task.group), tags=task.tags)
    with ProgressFile(job.checkpoints, spec.train.steps) as progress:
        statuses = run(job, _data(spec.dataset, device), tracker, progress, stop)
    return TaskResult(task.group, statuses, kept=tracker.settle())


@cache
def _plugins(files: tuple[str, ...]) -> None:
    load_plugins(map(Path, files))


@cache
def _tracker(store: str, experiment: str) -> Tracker:
    return open_tracker(find_store(store), experiment)


@cache
def _data(dataset: Dataset, device: torch.device) -> Data:
    return dataset.load(scoring_device(device), say=print)


def plain(result: TaskResult) -> dict[str, Any]:
    """Convert a result to plain values for JSON; `from_plain` converts it back."""
    return {**vars(result), "statuses": {str(seed): status for seed, status in result.statuses.items()}}


def from_plain(values: Mapping[str, Any]) -> TaskResult:
    return TaskResult(**{**values, "statuses": {int(seed): status for seed, status in values["statuses"].items()}})
