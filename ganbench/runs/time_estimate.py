"""How long a sweep will take on this machine, by a short probe of its groups."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from ganbench.data import Data
from ganbench.data.fetch import cache_folder
from ganbench.evaluation.cache import DiskCache
from ganbench.evaluation.scorer import Scorer
from ganbench.runs.sweep_status import GroupStatus
from ganbench.spec.run_spec import RunSpec
from ganbench.training.trainer import Snapshot, train

WARM_UP, PROBE = 3, 1.0
"""Steps that aren't timed, and seconds of those that are."""


@dataclass(frozen=True)
class Pace:
    """What a group costs on this machine, in seconds.

    Attributes:
        work: of a unit of `GroupStatus.work`.
        quick: of an evaluation on the way, of one seed.
        full: of the last evaluation, of one seed.
    """

    work: float
    quick: float
    full: float

    def seconds(self, standing: GroupStatus) -> float:
        """What is left of a group; tracking and start-up are not part of it."""
        evaluation, seeds = standing.spec.evaluation, len(standing.statuses)
        evaluations = standing.spec.train.steps / evaluation.every * seeds
        whole = standing.work * self.work + evaluations * self.quick + seeds * self.full
        return (1 - standing.share_done) * whole


def estimates(
    group_statuses: Sequence[GroupStatus], device: torch.device, say: Callable[[str], None]
) -> Iterator[tuple[GroupStatus, float]]:
    """Seconds that each group will take alone on this machine: one of each architecture and data set is tried out."""
    paces: dict[tuple[str, str], Pace] = {}
    for standing in group_statuses:
        spec = standing.spec
        kind = spec.arch.name, spec.dataset.name
        if not standing.done and kind not in paces:
            paces[kind] = probe(standing, spec.dataset.load(device, say=say), device)
        yield standing, 0.0 if standing.done else paces[kind].seconds(standing)


def probe(standing: GroupStatus, data: Data, device: torch.device) -> Pace:
    """Train a group for about a second, and score it twice."""
    spec, seeds = standing.spec, tuple(standing.statuses)
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
    scorer = Scorer(spec.case, spec.dataset, data, spec.dataset.evaluator(device), DiskCache(cache_folder() / "kept"))
    quick, full = (_scoring(spec, scorer, last, quick=quick) for quick in (True, False))
    return Pace(step * spec.train.steps / standing.work, quick, full)


def _scoring(spec: RunSpec, scorer: Scorer, snapshot: Snapshot, *, quick: bool) -> float:
    count = spec.evaluation.quick_samples if quick else spec.evaluation.samples
    scorer.floors(count, spec.case.quick if quick else tuple(spec.case.metrics))  # kept: costs this only once
    began = time.perf_counter()
    scorer.score(scorer.evaluator(snapshot.sample(0, count)), quick=quick)
    return time.perf_counter() - began


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
