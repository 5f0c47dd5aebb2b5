"""Experiments as files: a question, the settings shared by all runs, the axes that vary, and named budgets.

    question = "Does packing bring back lost modes?"
    seeds = 10                              # or words, as in `--seeds`: "0-4,7"
    block = 5                               # train five seeds of every combination, then the next five; optional
    primary = ["kl_corrected", "lost"]      # the outcomes that will answer it, chosen before the first run
    collapsed = "kl_corrected > 1"          # which runs count as collapsed
    tuned = "no"                            # how the settings were found: or "both learning rates, 20 runs each"
    [base]                                  # settings as in `--config`; a component may be written as in a flag
    dataset = "ring"
    [axes]                                  # every combination is trained
    loss = ["minimax", "wgan-gp"]
    packing = [{ "train.pac" = 1 }, { "train.pac" = 2, "train.batch_size" = 512 }]
    [budget.course]                         # the first is the default; settings, and seeds if they differ
    "train.steps" = 2000
    [budget.paper]
    "train.steps" = 400_000
    seeds = "0-49"

An axis is named by what it varies (`loss`, `penalty`, `train.n_critic`, ...), or freely where each of its values is a
table of settings that go together. Such a table may say what it is called, and how much of something it is:

    balance = [
        { name = "balanced", dose = { "generator updates for one of the discriminator" = 1 } },
        { dose = { "generator updates for one of the discriminator" = 5 }, "train.n_generator" = 5 },
    ]
    penalties = [{ name = "no penalty" }, { name = "R1", factors = ["R1"], penalty = "r1" }]

A combination is called by the names of its values, in the order of the axes and separated by commas; values without one
contribute nothing. Only one axis may have doses. In a factorial design, `factors` lists those that a value turns on;
the report computes the effect of each. Names, doses, factors and outcomes are shown in tables and pictures, but no
result depends on them: they may be changed after training, and the next sweep of the file tracks them with all runs. In
an axis that is named by what it varies, a table with `name` is a component, as in `loss = [{ name = "minimax",
smoothing = 0.1 }]`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ganbench.core.annotation import Annotation
from ganbench.core.errors import GanbenchError
from ganbench.evaluation.metrics import METRICS
from ganbench.spec.annotations import annotate
from ganbench.spec.run_spec import RunSpec, resolve
from ganbench.spec.sweep_file import AxisValue, SweepFile, read_sweep_file
from ganbench.spec.sweep_plan import SweepPlan, hash_of, keep_plan


@dataclass(frozen=True)
class Sweep:
    """An experiment file's specs and seeds, under one of its budgets.

    Attributes:
        annotations: by group id.
        block: number of seeds that each spec trains before any spec trains more; None for all of them at once.
    """

    name: str
    question: str
    budget: str
    seeds: tuple[int, ...]
    specs: tuple[RunSpec, ...]
    annotations: Mapping[str, Annotation] = field(default_factory=dict)
    block: int | None = None

    @property
    def plan(self) -> SweepPlan:
        """The same as plain values."""
        records = tuple(spec.record for spec in self.specs)
        return SweepPlan(self.name, self.budget, self.seeds, records, self.annotations, self.block)

    @property
    def experiment(self) -> str:
        """The default name of its experiment in a store."""
        return self.plan.experiment

    @property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """The seeds in blocks, in the order of training; the last block may be smaller."""
        return self.plan.blocks

    def where(self, conditions: Mapping[str, Sequence[str]]) -> Sweep:
        """The part that meets all conditions; a condition lists the allowed values of an option of the spec.

        Raises:
            GanbenchError: no spec has such an option, or none meets the conditions.
        """
        matching = {record.group_id for record in self.plan.where(conditions).records}
        return dataclasses.replace(self, specs=tuple(spec for spec in self.specs if spec.group_id in matching))


def read_sweep(path: Path, budget: str | None = None) -> Sweep:
    """Read an experiment file; return every combination of its axes as a resolved spec.

    Args:
        budget: the name of one of the file's budgets; by default the first.

    Raises:
        GanbenchError: the file is not an experiment, or a combination can't be trained; the message says which.
    """
    made_from = hash_of(path)
    file = read_sweep_file(path, budget)
    resolved: list[tuple[RunSpec, tuple[AxisValue, ...]]] = []
    for combination in file.combinations:
        with file.naming(combination):
            resolved.append((resolve(file.settings(combination)), combination))
    specs = {spec.group_id: spec for spec, _ in resolved}
    sweep = Sweep(
        path.stem,
        file.question,
        file.budget,
        file.seeds,
        tuple(specs.values()),
        _annotations(file, resolved),
        file.block,
    )
    keep_plan(path, budget, sweep.plan, made_from)
    return sweep


def _annotations(file: SweepFile, resolved: Sequence[tuple[RunSpec, tuple[AxisValue, ...]]]) -> dict[str, Annotation]:
    metrics = {*METRICS, *(metric for spec, _ in resolved for metric in spec.case.metrics)}
    combinations = [(spec.record, [value.annotation for value in values]) for spec, values in resolved]
    try:
        return annotate(file.outcomes, combinations, metrics)
    except GanbenchError as error:
        raise GanbenchError(f"'{file.path}': {error}") from error
