"""Status of a sweep: the seeds of each group that are done, running and missing."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from ganbench.core.annotation import Annotation
from ganbench.core.settings import flatten
from ganbench.runs.progress import Progress, read_progress
from ganbench.spec.spec_record import SpecRecord
from ganbench.spec.sweep_plan import SweepPlan
from ganbench.tracking import DONE, Status
from ganbench.tracking.store import Store

if TYPE_CHECKING:
    from ganbench.spec.run_spec import RunSpec


@dataclass
class GroupStatus:
    """One group of a sweep: the seeds of a spec.

    Attributes:
        difference: the options in which it differs from other groups with the same title; of a group with a label, its
            data set and protocol if there are several.
        statuses: status by seed; None for a seed that hasn't started.
        blocks: its seeds in the blocks in which they are trained.
        progress: as reported by the process that is running it, if any.
        error: why it failed, if it did in this sweep.
        label: the name and dose that its experiment file gives it; empty if it has no name.
        failed: the seeds of the blocks that failed in this sweep.
    """

    record: SpecRecord
    difference: str
    statuses: dict[int, Status | None]
    blocks: tuple[tuple[int, ...], ...]
    progress: Progress | None = None
    error: str = ""
    failed: set[int] = field(default_factory=set)
    label: str = ""

    @cached_property
    def spec(self) -> RunSpec:
        """Its spec, to be trained or scored."""
        from ganbench.spec.run_spec import resolve  # imports torch, which nothing else here needs

        return resolve(self.record.settings)

    @property
    def title(self) -> str:
        """Its label, or else loss, architecture and data set."""
        return self.label or self.record.title

    @property
    def done(self) -> bool:
        return all(status in DONE for status in self.statuses.values())

    @property
    def seeds_done(self) -> set[int]:
        return {seed for seed, status in self.statuses.items() if status in DONE}

    @property
    def missing(self) -> dict[int, tuple[int, ...]]:
        """The seeds that aren't done, by the number of their block; finished blocks are left out."""
        done = self.seeds_done
        missing = {
            number: tuple(seed for seed in block if seed not in done) for number, block in enumerate(self.blocks)
        }
        return {number: seeds for number, seeds in missing.items() if seeds}

    @property
    def work(self) -> float:
        """Amount of work, in samples that pass through the critic: the budget closest to time."""
        return self.record.work * len(self.statuses)

    @property
    def share_done(self) -> float:
        """Share of the work that is done, in [0, 1]."""
        return self._share(set())

    @property
    def share_left(self) -> float:
        """Share of the work that is left for this sweep, in [0, 1]: what failed is not tried again."""
        return 1 - self._share(self.failed)

    @property
    def share_resumed(self) -> float:
        """Share of the work that the process which is running it found done in a checkpoint, in [0, 1]."""
        return self._training_share(self.progress, self.progress.began_step, self.seeds_done) if self.progress else 0.0

    def _share(self, settled: set[int]) -> float:
        """Share of the work that is done or belongs to settled seeds."""
        settled = self.seeds_done | settled
        training = self._training_share(self.progress, self.progress.step, settled) if self.progress else 0.0
        return len(settled) / len(self.statuses) + training

    def _training_share(self, progress: Progress, step: int, settled: set[int]) -> float:
        training = set(progress.seeds) & set(self.statuses) - settled
        return len(training) * step / progress.steps / len(self.statuses)

    @property
    def words(self) -> str:
        """Count its seeds by status: `9 finished, 1 diverged`."""
        statuses: list[str] = [
            "failed" if seed in self.failed and status not in DONE else status or "waiting"
            for seed, status in self.statuses.items()
        ]
        return ", ".join(f"{statuses.count(word)} {word}" for word in dict.fromkeys(statuses))


def group_statuses(plan: SweepPlan, tracked: Mapping[str, Status], store: Store, experiment: str) -> list[GroupStatus]:
    """Return the status of each group of a sweep, from tracked statuses and progress files."""
    groups = []
    scenes = [(record.dataset, record.protocol) for record in plan.records]
    varies = [len(set(names)) > 1 for names in zip(*scenes, strict=True)]
    for record, options, scene in zip(plan.records, differences(plan.records), scenes, strict=True):
        statuses = {seed: tracked.get(record.run_id(seed)) for seed in plan.seeds}
        progress = read_progress(store.checkpoints(experiment, record.group_id))
        label = plan.annotations.get(record.group_id, Annotation()).label
        # A label tells a group from all others with the same data and protocol.
        difference = ", ".join(itertools.compress(scene, varies)) if label else options
        groups.append(GroupStatus(record, difference, statuses, plan.blocks, progress, label=label))
    return groups


def differences(records: Sequence[SpecRecord]) -> list[str]:
    """Return, for each spec, the options in which it differs from others with the same title."""
    flat_specs = [flatten(record.settings) for record in records]
    alike_by_title: dict[str, list[dict[str, object]]] = {}
    for flat_spec, record in zip(flat_specs, records, strict=True):
        alike_by_title.setdefault(record.title, []).append(flat_spec)
    texts = []
    for flat_spec, record in zip(flat_specs, records, strict=True):
        alike = alike_by_title[record.title]
        varies = [key for key, value in flat_spec.items() if any(other.get(key) != value for other in alike)]
        texts.append(", ".join(f"{key}={flat_spec[key]}" for key in varies))
    return texts
