"""Reproduction of a run from a results table, which has its options as text and some of its numbers."""

from __future__ import annotations

import threading
from pathlib import Path

import torch

from ganbench.core.errors import GanbenchError
from ganbench.core.settings import parse_seeds, unflatten
from ganbench.data import Data
from ganbench.runs.job import Observer
from ganbench.runs.reproduce import Reproduction, compare_numbers, surroundings_of, tracked_numbers, train_again
from ganbench.spec.run_spec import RunSpec, resolve
from ganbench.tracking import DONE, RunRecord
from ganbench.tracking.ensemble_seeds import SEEDS_TAG

KNOWN = ("commit", "device", "torch")
"""The surroundings that a table keeps: the same kind of machine is one with the same device and version of torch."""


def spec_of_row(record: RunRecord) -> tuple[RunSpec, tuple[int, ...]]:
    """Return the spec of a run from its parameters, and all seeds of its ensemble: its own alone if they aren't known.

    The run's id is a hash of its spec, its seed, the versions of the data, protocol and evaluator, and the code of
    plug-ins. So equal ids mean that the parameters were read as they were written, and that nothing has changed since.

    Raises:
        GanbenchError: the run didn't finish or has no numbers, its parameters make no spec, or they make another run.
    """
    if record.status not in DONE:
        raise GanbenchError(f"the run '{record.id}' has not come to its end: it is {record.status}")
    if not record.history:
        raise GanbenchError(f"the run '{record.id}' has no numbers")
    commit = record.tags.get("commit", "an unknown version")
    try:
        spec = resolve(unflatten(record.params))
    except GanbenchError as error:
        raise GanbenchError(
            f"the options of run '{record.id}', of {commit}, can't be read: {error}; if that is part of a plug-in, "
            f"name the plug-in's file"
        ) from error
    if spec.run_id(record.seed) != record.id:
        foreign = spec.foreign_code()
        changed = (
            f"the plug-in isn't the one that it was trained with ({', '.join(foreign)}), or ganbench"
            if foreign
            else "ganbench's training, the data, the protocol or the evaluator"
        )
        raise GanbenchError(
            f"the options of run '{record.id}' mean another run here, {spec.run_id(record.seed)}: {changed} has "
            f"changed since {commit}, or the options were edited; to check it, install that version"
        )
    ensemble = record.tags.get(SEEDS_TAG)
    seeds = (record.seed,) if ensemble is None else parse_seeds(ensemble)
    if record.seed not in seeds:
        raise GanbenchError(f"the run '{record.id}' is of seed {record.seed}, and not among the seeds of its ensemble")
    return spec, seeds


def reproduce_row(
    record: RunRecord, device: torch.device, data: Data, folder: Path, observer: Observer, stop: threading.Event
) -> Reproduction | None:
    """Train a run of a table again, and compare the numbers that the table has; None if training was stopped.

    Args:
        folder: folder for checkpoints.
    """
    spec, seeds = spec_of_row(record)
    again = train_again(record, spec, seeds, device, data, folder, observer, stop)
    if again is None:
        return None
    tracked = tracked_numbers(record)
    surroundings = surroundings_of(record, device, KNOWN)
    # Reports leave out numbers that they don't use.
    return compare_numbers(tracked, {key: again[key] for key in tracked.keys() & again.keys()}, surroundings)
