"""Seeds of one spec as a piece of work that can be done by another process, or on another machine."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import torch

from ganbench.core.device import find_device
from ganbench.core.errors import GanbenchError
from ganbench.core.plugins import load_plugins
from ganbench.core.settings import Settings
from ganbench.data import Data, Dataset
from ganbench.runs.ensemble_run import Job
from ganbench.runs.progress import ProgressFile
from ganbench.runs.run import BusyError, run
from ganbench.spec.run_spec import resolve
from ganbench.tracking import Status, Tracker
from ganbench.tracking.spool import open_tracker
from ganbench.tracking.store import find_store


@dataclass(frozen=True)
class Task:
    """What is to be done, as plain values.

    Attributes:
        group: the group id of the spec.
        settings: of the spec, which resolve to it.
        store: URI of the store.
        device: as in `--device`.
        plugins: files that register what the spec names.
    """

    group: str
    settings: Settings
    seeds: Sequence[int]
    experiment: str
    store: str
    device: str
    plugins: Sequence[str] = ()


@dataclass(frozen=True)
class TaskResult:
    """What became of a task.

    Attributes:
        statuses: by seed, how it ended.
        error: what went wrong, in a line; nothing where nothing did.
        busy: whether somebody else is at the same runs.
        kept: how many runs are kept on this machine, because the tracking server did not answer.
    """

    group: str
    statuses: Mapping[int, Status] = field(default_factory=dict)
    error: str = ""
    busy: bool = False
    kept: int = 0


def perform(task: Task, stop: threading.Event) -> TaskResult:
    """Do what of a task is left to do; whatever goes wrong is part of the outcome, since other tasks go on."""
    try:
        return _perform(task, stop)
    except BusyError:
        return TaskResult(task.group, busy=True)
    except (GanbenchError, OSError) as error:
        return TaskResult(task.group, error=str(error))
    except Exception as error:  # a plug-in's own code may raise anything: its sweep goes on without it
        traceback.print_exc()
        return TaskResult(task.group, error=f"{type(error).__name__}: {error}".partition("\n")[0])


def _perform(task: Task, stop: threading.Event) -> TaskResult:
    _plugins(tuple(task.plugins))
    spec = resolve(task.settings)
    if spec.group_id != task.group:
        raise GanbenchError("this process has another version of ganbench, or of a plug-in, than the one that asks")
    device, store = find_device(task.device), find_store(task.store)
    tracker = _tracker(task.store, task.experiment)
    job = Job(spec, tuple(task.seeds), device, store.checkpoints(task.experiment, task.group))
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
    return dataset.load(device, say=print)


def plain(outcome: TaskResult) -> dict[str, Any]:
    """An outcome as plain values, for JSON; `from_plain` reads it back."""
    return {**vars(outcome), "statuses": {str(seed): status for seed, status in outcome.statuses.items()}}


def from_plain(values: Mapping[str, Any]) -> TaskResult:
    return TaskResult(**{**values, "statuses": {int(seed): status for seed, status in values["statuses"].items()}})
