"""Runs of a spec over seeds: finished seeds are skipped, interrupted ones resumed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

from ganbench.core.errors import GanbenchError
from ganbench.core.formatting import seeds_in_words
from ganbench.data import Data
from ganbench.evaluation.scorer import Scorer
from ganbench.runs.checkpoint_record import ADDED, CheckpointRecord
from ganbench.runs.ensemble_run import EnsembleRun
from ganbench.runs.environment import Environment, same_threads
from ganbench.runs.job import Job, Observer
from ganbench.runs.progress import PROGRESS_FILE
from ganbench.tracking import DONE, Status, Tracker
from ganbench.training.checkpoint import PART, Checkpoint, checkpoint_paths, load_newest, remove_checkpoint

if TYPE_CHECKING:
    from ganbench.tracking.mlflow.tracker import MlflowTracker


class BusyError(GanbenchError):
    """Another process is already running these seeds."""


def run(job: Job, data: Data, tracker: Tracker, observer: Observer, stop: threading.Event) -> dict[int, Status]:
    """Train and evaluate every seed that isn't done yet; return the status of each seed of the job.

    Setting `stop` ends training at the next opportunity, with a checkpoint.

    Raises:
        BusyError: another process is already running these seeds.
        GanbenchError: a checkpoint is corrupt, or of another spec.
    """
    spec = job.spec
    with _exclusive_lock(job.checkpoints):
        if job.force:
            _discard_runs(job, tracker)
        found = find_checkpoints(job.checkpoints)
        _refuse_other_specs(found, spec.group_id)
        checkpoints = [checkpoint for checkpoint in found if not _already_finished(checkpoint, job, tracker)]
        for interrupted in checkpoints:
            if interrupted.is_older:
                observer.say(f"the checkpoint '{interrupted.path}' is damaged: resuming from the one before it")
        statuses = {seed: tracker.status(spec.run_id(seed)) for seed in job.seeds}
        pending = [seed for seed, status in statuses.items() if status not in DONE]
        if len(pending) < len(statuses):
            done = [seed for seed in statuses if seed not in pending]
            finished = f"{seeds_in_words(done)} {'is' if len(done) == 1 else 'are'} finished already"
            observer.say(f"{finished} and not trained again (to repeat: the option 'force')")
        try:
            for seeds, checkpoint in plan(pending, checkpoints):
                scorer = Scorer.with_disk_cache(spec.case, spec.dataset, data)
                with same_threads(_environment_before(checkpoint), job.device, observer.say):
                    statuses |= EnsembleRun(job, seeds, checkpoint, data, scorer, tracker, observer).train(stop)
                if stop.is_set():
                    break
        except BaseException:
            with suppress(GanbenchError):  # the error to be seen is the one that ended training
                _close_group(job, statuses, tracker)
            raise
        _close_group(job, statuses, tracker)
    return {seed: statuses[seed] or "stopped" for seed in job.seeds}


def _close_group(job: Job, statuses: Mapping[int, Status | None], tracker: Tracker) -> None:
    complete = all(status in DONE for status in statuses.values())
    tracker.close_group(job.spec.group_id, "finished" if complete else "stopped")


def close_finished_groups(
    finished: Mapping[str, Path], runs: Mapping[str, Mapping[int, str]], tracker: MlflowTracker
) -> None:
    """Close the parent runs of finished groups whose process was killed before it could, and remove its files.

    Results that haven't reached the tracking server yet have no part in a parent's medians, so that it stays open.

    Args:
        finished: the folder for checkpoints of each group, by its id.
        runs: the ids of the runs of each group, by seed.
    """
    running = tracker.running_groups()
    for group, folder in sorted(finished.items()):
        if group not in running and not _left_by_a_process(folder) and not checkpoint_paths(folder):
            continue
        with suppress(BusyError), _exclusive_lock(folder):  # another process may train further seeds
            if all(tracker.status(run) in DONE for run in runs[group].values()):
                if group in running:
                    tracker.close_group(group, "finished")
                for checkpoint in find_checkpoints(folder):
                    if runs[group].keys() >= set(checkpoint.record["seeds"]):
                        remove_checkpoint(checkpoint.path)


def _left_by_a_process(folder: Path) -> list[Path]:
    """Files in a group's folder that only a process at work has, or one that was killed."""
    return [path for path in (*folder.glob(f"{PART}*"), folder / PROGRESS_FILE) if path.exists()]


def find_checkpoints(folder: Path) -> list[Checkpoint]:
    """Return the checkpoints of interrupted ensembles, and remove other files of a killed process.

    To be called by the process that holds the group's lock.

    Raises:
        GanbenchError: a checkpoint and the one before it are truncated or altered, or it is from another version of
            ganbench.
    """
    for leftover in _left_by_a_process(folder):
        leftover.unlink()
    checkpoints = [load_newest(path) for path in checkpoint_paths(folder)]
    for checkpoint in checkpoints:
        if {*checkpoint.record, *ADDED} != {field.name for field in fields(CheckpointRecord)}:
            raise GanbenchError(f"the checkpoint '{checkpoint.path}' is of another version: delete it to start again")
    return checkpoints


def plan(pending: Sequence[int], checkpoints: Sequence[Checkpoint]) -> list[tuple[tuple[int, ...], Checkpoint | None]]:
    """Group pending seeds into ensembles: each interrupted one is resumed as a whole, all other seeds form a new one.

    An ensemble is not split, since the last bit of a seed's results depends on the seeds it trains with.
    """
    ensembles: list[tuple[tuple[int, ...], Checkpoint | None]] = []
    remaining = set(pending)
    for checkpoint in checkpoints:
        seeds = tuple(checkpoint.record["seeds"])
        if remaining & set(seeds):
            ensembles.append((seeds, checkpoint))
            remaining -= set(seeds)
    return [*ensembles, (tuple(sorted(remaining)), None)] if remaining else ensembles


def _refuse_other_specs(checkpoints: Sequence[Checkpoint], group: str) -> None:
    """Raise GanbenchError for a checkpoint that was copied here from another spec, whose networks may even fit."""
    for checkpoint in checkpoints:
        other = checkpoint.record.get("group") or group
        if other != group:
            raise GanbenchError(
                f"the checkpoint '{checkpoint.path}' is of another spec ({other}, not {group}): "
                f"move it back to where it was, or delete it to start again"
            )


def _environment_before(checkpoint: Checkpoint | None) -> Environment:
    """The environment that an ensemble was last trained in; empty if it is new, or an earlier version began it."""
    environments = checkpoint.record.get("environments") if checkpoint else None
    return environments[-1] if environments else {}


def _already_finished(checkpoint: Checkpoint, job: Job, tracker: Tracker) -> bool:
    """Remove a checkpoint whose seeds are all done, and return whether it was one.

    It exists if the process was killed just before removing it.
    """
    done = all(tracker.status(job.spec.run_id(seed)) in DONE for seed in checkpoint.record["seeds"])
    if done:
        remove_checkpoint(checkpoint.path)
    return done


def _discard_runs(job: Job, tracker: Tracker) -> None:
    """Discard the runs to be repeated, and any checkpoint they were interrupted with."""
    for path in checkpoint_paths(job.checkpoints):
        try:
            seeds = set(load_newest(path).record["seeds"])
        except (GanbenchError, KeyError):
            seeds = set(job.seeds)  # unreadable, so of no use to any seed
        others = sorted(seeds - set(job.seeds))
        if others and seeds & set(job.seeds):
            raise GanbenchError(
                f"seeds {', '.join(map(str, others))} were interrupted together with those you want to repeat, and "
                f"would be lost: run them to their end first, or add them to the seeds"
            )
        if not others:
            remove_checkpoint(path)
    for seed in job.seeds:
        tracker.discard(job.spec.run_id(seed))


@contextmanager
def _exclusive_lock(folder: Path) -> Iterator[None]:
    """Hold a lock that keeps other processes from running the same seeds."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / ".lock", timeout=0):
            yield
    except filelock.Timeout as error:
        raise BusyError("another process is running this very spec in this store: wait for it, or stop it") from error
