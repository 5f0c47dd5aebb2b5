"""Reproduction of a tracked run from its stored spec, and comparison of the numbers."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from ganbench.core.device import device_name
from ganbench.core.errors import GanbenchError
from ganbench.core.provenance import code_version, machine
from ganbench.data import Data
from ganbench.runs.job import Job, Observer
from ganbench.runs.run import run
from ganbench.spec.run_spec import RunSpec, resolve
from ganbench.tracking import DONE, RunRecord
from ganbench.tracking.ensemble_seeds import ensemble_seeds
from ganbench.tracking.memory import MemoryTracker
from ganbench.tracking.metric_names import SECONDS, MetricName, parse_metric_name
from ganbench.tracking.tag_values import table_in

RELATIVE, ABSOLUTE = 0.02, 0.005
"""Tolerances for numbers of the first evaluation on another machine: 2 %, or half a per cent of the samples."""
TIMES = (str(MetricName("train", SECONDS)),)
"""Metrics that are never reproduced exactly."""
SURROUNDINGS = ("commit", "machine", "device", "torch")
"""Everything beside the spec that numbers may depend on: the same surroundings must give the same numbers."""
LARGEST = sys.float_info.max
"""The number that MLflow stores for infinity."""

NO_SPEC = "the run '{run}' was made by a version of ganbench that didn't keep its spec"

Agreement = Literal["same", "close", "different"]


@dataclass(frozen=True)
class Difference:
    """A number that differs; None on the side where it is missing."""

    metric: str
    step: int
    tracked: float | None
    again: float | None


@dataclass(frozen=True)
class Reproduction:
    """The result of reproducing a run.

    Attributes:
        numbers: how many numbers were compared.
        differences: the numbers that differ, in the order of steps.
        surroundings: what has changed (commit, machine, device, torch): the value then and now, by name.
        agreement: `same`, bit for bit; `close`, if the surroundings differ and every number of the first evaluation is
            within 2 %; or `different`.
    """

    numbers: int
    differences: tuple[Difference, ...]
    surroundings: Mapping[str, tuple[str, str]]
    agreement: Agreement


def spec_of(record: RunRecord) -> tuple[RunSpec, tuple[int, ...]]:
    """Return the spec of a tracked run, and all seeds of the ensemble that it was trained in.

    Raises:
        GanbenchError: the spec was not tracked, the run didn't finish, or the spec now resolves to a different run.
    """
    seeds = ensemble_seeds(record.tags)
    spec = tracked_spec(record)
    if not seeds:
        raise GanbenchError(NO_SPEC.format(run=record.id))
    if record.status not in DONE:
        raise GanbenchError(f"the run '{record.id}' has not come to its end: it is {record.status}")
    if spec.run_id(record.seed) != record.id:
        raise GanbenchError(
            f"the spec of run '{record.id}' means another run by now: ganbench's training, the data, the protocol, the "
            f"evaluator or a plug-in has changed since {record.tags.get('commit', 'then')}; check out that version"
        )
    return spec, seeds


def tracked_spec(record: RunRecord) -> RunSpec:
    """Return the spec that was tracked with a run, as it resolves now.

    Raises:
        GanbenchError: it was not tracked, or can't be resolved any more.
    """
    if "spec" not in record.tags:
        raise GanbenchError(NO_SPEC.format(run=record.id))
    return resolve(table_in(record.tags, "spec"))


def reproduce(
    record: RunRecord, device: torch.device, data: Data, folder: Path, observer: Observer, stop: threading.Event
) -> Reproduction | None:
    """Train the seeds of a tracked run again, and compare the numbers; None if training was stopped.

    Args:
        folder: folder for checkpoints.
    """
    spec, seeds = spec_of(record)
    again = train_again(record, spec, seeds, device, data, folder, observer, stop)
    if again is None:
        return None
    return compare_numbers(tracked_numbers(record), again, surroundings_of(record, device, SURROUNDINGS))


def train_again(
    record: RunRecord,
    spec: RunSpec,
    seeds: tuple[int, ...],
    device: torch.device,
    data: Data,
    folder: Path,
    observer: Observer,
    stop: threading.Event,
) -> dict[tuple[str, int], float] | None:
    """Train the seeds of a run's ensemble again; return the run's numbers by (metric, step), or None if stopped."""
    tracker = MemoryTracker()
    run(Job(spec, seeds, device, folder), data, tracker, observer, stop)
    log = tracker.runs[record.id]
    return dict(log.numbers) if log.state in DONE else None


def tracked_numbers(record: RunRecord) -> dict[tuple[str, int], float]:
    """Return the numbers of a run by (metric, step).

    Without those of extra metrics: they may have been added afterwards, and a run is made again without them.
    """
    names = ((parse_metric_name(name), step, value) for name, step, value in record.history)
    return {(str(name), step): value for name, step, value in names if name.kind != "extra"}


def compare_numbers(
    tracked: Mapping[tuple[str, int], float],
    again: Mapping[tuple[str, int], float],
    surroundings: Mapping[str, tuple[str, str]],
) -> Reproduction:
    """Compare two sets of numbers by (metric, step)."""
    keys = sorted({key for key in {**tracked, **again} if key[0] not in TIMES}, key=lambda key: (key[1], key[0]))
    differences = tuple(
        Difference(*key, tracked.get(key), again.get(key)) for key in keys if not same(tracked.get(key), again.get(key))
    )
    first_step = min((step for _, step in keys), default=0)
    at_first_step = [difference for difference in differences if difference.step == first_step]
    agreement: Agreement
    if not differences:
        agreement = "same"
    elif surroundings and all(close(difference.tracked, difference.again) for difference in at_first_step):
        agreement = "close"
    else:
        agreement = "different"
    return Reproduction(len(keys), differences, surroundings, agreement)


def threads_of(record: RunRecord) -> int | None:
    """Return the number of CPU threads a run was trained with, which affects how sums are rounded."""
    words = record.tags.get("device", "").partition("(")[2].split(" ")
    return int(words[0]) if words[0].isdecimal() else None


def surroundings_of(record: RunRecord, device: torch.device, names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return the surroundings that differ from those of a run: the value then and now, by name."""
    now = {
        "commit": code_version(),
        "machine": machine(),
        "device": device_name(device),
        "torch": str(torch.__version__),
    }
    return {name: (record.tags.get(name, ""), now[name]) for name in names if record.tags.get(name) != now[name]}


def same(one: float | None, other: float | None) -> bool:
    """True if two numbers are equal, or both undefined."""
    if one is None or other is None:
        return False
    one, other = (math.copysign(LARGEST, value) if math.isinf(value) else value for value in (one, other))
    return one == other or (math.isnan(one) and math.isnan(other))


def close(one: float | None, other: float | None) -> bool:
    """True if two numbers differ by no more than rounding explains at a first evaluation."""
    return one is not None and other is not None and math.isclose(one, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
