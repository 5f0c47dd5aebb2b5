"""Made-up runs of studies: of doses, of factors, with balanced controls, and of two crossed axes."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

import pandas as pd

from ganbench.core.annotation import Annotation
from ganbench.results.dose_curves import DoseCurves, dose_curves
from ganbench.tracking import RunRecord, Status
from ganbench.tracking.annotations import annotation_tags
from tests.results.test_loading import record

HOSTILE = "<b>$x$</b> | _e_"
UPDATES, RATE = "generator updates", "rate divided by"
COLLAPSED = {"plain": {1: 0, 2: 3, 5: 7, 8: 7}, HOSTILE: {1: 0, 2: 0, 5: 0, 8: 2}}
SEEDS = 7


def annotated(run: RunRecord, annotation: Annotation) -> RunRecord:
    """The run with an annotation, and an id that depends on its parameters."""
    ending = "".join(character for character in str(sorted(run.params.items())) if character.isalnum())
    return dataclasses.replace(run, id=f"{run.id}{ending}", tags={**run.tags, **annotation_tags(annotation)})


def runs_of_doses(failed: int = 0) -> Iterator[RunRecord]:
    """Two methods: the first collapsed at FID 60, above a rule of 50; balanced runs have two kinds of dose."""
    for (name, counts), loss in zip(COLLAPSED.items(), ("minimax", "hinge"), strict=True):
        for dose, count in counts.items():
            for seed in range(SEEDS):
                status: Status = "diverged" if dose == 8 and seed < failed else "finished"
                params = {"train.n_generator": str(dose)}
                run = record(loss, seed, 60.0 if seed < count else 10.0, params=params, status=status)
                doses = {UPDATES: float(dose), **({RATE: 1.0} if dose == 1 else {})}
                yield annotated(run, Annotation(name, doses, collapsed="fid > 50"))
        for seed in range(SEEDS):
            run = record(loss, seed, 60.0, params={"train.critic_lr": "0.1"})
            yield annotated(run, Annotation(name, {RATE: 10.0}, collapsed="fid > 50"))


def by_what(table: pd.DataFrame) -> dict[str, DoseCurves]:
    return {curves.what: curves for curves in dose_curves(table)}


def factorial(shift: float) -> list[RunRecord]:
    """FID is lower by a shift with R1 alone; one seed of the cell without factors has diverged."""
    runs = []
    for cell in itertools.product((False, True), repeat=2):
        factors = tuple(name for name, on in zip(("R1", HOSTILE), cell, strict=True) if on)
        for seed in range(SEEDS):
            status: Status = "diverged" if not factors and seed == 0 else "finished"
            params = {"penalty": "+".join(str(on) for on in cell)}
            run = record("hinge", seed, 50.0 + seed - shift * cell[0], params=params, status=status)
            runs.append(annotated(run, Annotation("", {}, factors, ("fid", "lost"))))
    return runs


def unbalanced(dose: int, steps: int, fid: float, loss: str = "minimax") -> Iterator[RunRecord]:
    """Runs with so many updates of the generator in a step; those with one have no dose: they are controls."""
    params = {"train.n_generator": str(dose), "train.steps": str(steps)}
    doses = {UPDATES: float(dose)} if dose > 1 else {}
    for seed in range(SEEDS):
        run = record(loss, seed, fid + seed, params=params, status="diverged" if fid < 0 else "finished")
        run = dataclasses.replace(run, tags={**run.tags, "cost-of-step/critic_steps": str(steps)})
        yield annotated(run, Annotation(loss if dose > 1 else f"balanced, {loss}", doses, collapsed="fid > 50"))


def crossed(values: dict[tuple[str, str], float]) -> Iterator[RunRecord]:
    """Runs of methods that are called by two axes, with FIDs from a value on; a negative one is of failed runs."""
    for (norm, loss), fid in values.items():
        for seed in range(SEEDS):
            status: Status = "diverged" if fid < 0 else "finished"
            run = record(loss, seed, fid + seed, params={"arch.norm": norm}, status=status, missing=int(fid > 50))
            yield annotated(run, Annotation(f"{norm}, {loss}", primary=("fid", "lost")))
