"""Training of a job with its progress, by `ganbench run` and `ganbench.run` alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ganbench.cli.console.run_progress import Display
from ganbench.cli.console.signals import signals
from ganbench.cli.console.terminal import Terminal
from ganbench.core.device import scoring_device
from ganbench.runs.job import Job
from ganbench.runs.kept_generator import without_best_weights
from ganbench.runs.run import run
from ganbench.tracking import Status
from ganbench.tracking.annotations import NAME_TAG
from ganbench.tracking.spool import not_delivered, open_tracker
from ganbench.tracking.store import Store
from ganbench.tracking.update_annotations import rename


@dataclass(frozen=True)
class Trained:
    """The end of a job.

    Attributes:
        statuses: the status of each seed.
        signal: the number of the signal that stopped it; None if none did.
        undelivered: why results haven't reached the tracking server; empty if all have.
    """

    statuses: Mapping[int, Status]
    signal: int | None
    undelivered: str


def train_job(job: Job, store: Store, experiment: str, console: Terminal) -> Trained:
    """Train the seeds of a job that aren't finished, and give all of them the job's name.

    Raises:
        GanbenchError: data can't be read, the store can't be used, or another process trains the same seeds.
    """
    tracker = open_tracker(store, experiment)
    not_kept = without_best_weights(job, tracker, store, experiment)
    if not_kept:
        console.print(not_kept, soft_wrap=True)
    data = job.spec.dataset.load(scoring_device(job.device), say=console.print)
    with signals() as stop, Display(job.spec, console) as display:
        statuses = run(job, data, tracker, display, stop.event)
    undelivered = tracker.settle()
    if undelivered:
        return Trained(statuses, stop.number, not_delivered(undelivered, store))
    if NAME_TAG in job.tags:  # runs that were finished before, too
        rename(store, experiment, job.spec.group_id, job.tags[NAME_TAG])
    return Trained(statuses, stop.number, "")
