"""Estimates of a sweep's duration on this machine, from a short probe of its groups."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from ganbench.core.device import scoring_device
from ganbench.data import Data
from ganbench.evaluation.scorer import Scorer
from ganbench.runs.sweep_status import GroupStatus
from ganbench.spec.run_spec import RunSpec
from ganbench.training.trainer import Snapshot, train

WARM_UP, PROBE = 3, 1.0
"""Number of untimed steps, and seconds of timed ones."""


@dataclass(frozen=True)
class Pace:
    """The costs of a group on this machine, in seconds.

    Attributes:
        work: time for one unit of `GroupStatus.work`.
        quick: time for an evaluation of one seed during training.
        full: time for the final evaluation of one seed.
    """

    work: float
    quick: float
    full: float

    def seconds(self, group: GroupStatus) -> float:
        """Estimate the remaining time of a group, without tracking and start-up."""
        evaluation, seeds = group.spec.evaluation, len(group.statuses)
        evaluations = group.spec.train.steps / evaluation.every * seeds
        whole = group.work * self.work + evaluations * self.quick + seeds * self.full
        return (1 - group.share_done) * whole


def estimates(
    group_statuses: Sequence[GroupStatus], device: torch.device, say: Callable[[str], None]
) -> Iterator[tuple[GroupStatus, float]]:
    """Estimate the seconds that each group takes alone on this machine, from a probe per architecture and data set."""
    paces: dict[tuple[str, str], Pace] = {}
    for group in group_statuses:
        spec = group.spec
        kind = spec.arch.name, spec.dataset.name
        if not group.done and kind not in paces:
            paces[kind] = probe(group, spec.dataset.load(scoring_device(device), say=say), device)
        yield group, 0.0 if group.done else paces[kind].seconds(group)


def time_of_all(times: Sequence[float], at_once: int) -> float:
    """Return the time for groups of these times, begun in their order, so many at once."""
    ends = [0.0] * at_once
    for seconds in times:
        heapq.heapreplace(ends, ends[0] + seconds)
    return max(ends)


def probe(group: GroupStatus, data: Data, device: torch.device) -> Pace:
    """Measure the pace of a group: train a block of its seeds for about a second, and score it twice."""
    spec, seeds = group.spec, group.blocks[0]
    snapshots = train(spec, seeds, data, device, every=1)
    began, last = 0.0, next(snapshots)
    for snapshot in snapshots:
        last = snapshot
        if snapshot.step <= WARM_UP:
            _wait(device)
            began = time.perf_counter()
        elif time.perf_counter() - began > PROBE:
            break
    _wait(device)
    timed = last.step - min(WARM_UP, last.step)
    step = (time.perf_counter() - began) / max(timed, 1)
    scorer = Scorer.with_disk_cache(spec.case, spec.dataset, data)
    quick, full = (_scoring_seconds(spec, scorer, last, quick=quick) for quick in (True, False))
    work = group.work * len(seeds) / len(group.statuses)
    return Pace(step * spec.train.steps / work, quick, full)


def _scoring_seconds(spec: RunSpec, scorer: Scorer, snapshot: Snapshot, *, quick: bool) -> float:
    count = spec.evaluation.quick_samples if quick else spec.evaluation.samples
    scorer.floors(count, spec.case.quick if quick else tuple(spec.case.metrics))  # cached: computed only once
    began = time.perf_counter()
    scorer.score(scorer.evaluator(snapshot.sample(0, count)), quick=quick)
    return time.perf_counter() - began


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
