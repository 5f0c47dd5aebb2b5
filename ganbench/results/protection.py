"""Protection from collapse: methods of a dose study against a baseline, at equal doses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ganbench.core.collapse_rule import CollapseRule
from ganbench.core.formatting import listed, number
from ganbench.results.dose_curves import runs_at_doses
from ganbench.results.inference import Interval, Values, holm
from ganbench.results.inference.factorial import better_in_strata
from ganbench.results.inference.intervals import LEVEL

BALANCED = 1.0
"""The dose that is none: only larger ones are compared."""


@dataclass(frozen=True)
class Protection:
    """A method against the baseline of its study.

    Attributes:
        what: what the doses are of.
        rule: the rule for collapsed runs.
        doses: those above 1 at which both were trained.
        better: the probability that a run of the method is better than one of the baseline at the same dose, by the
            metric of the study's rule for collapsed runs, averaged over doses; with its 95 % interval.
        collapsed, total: number of collapsed runs, and of all, at these doses; runs without a score are among them.
        baseline_collapsed, baseline_total: the same of the baseline.
        failed: number of runs of both without a score.
        p: of the hypothesis that neither is better, by van Elteren's test.
        corrected_p: the same after Holm's correction for all methods that are compared with this baseline.
    """

    dataset: str
    what: str
    rule: CollapseRule
    name: str
    baseline: str
    doses: tuple[float, ...]
    better: Interval
    collapsed: int
    total: int
    baseline_collapsed: int
    baseline_total: int
    failed: int
    p: float
    corrected_p: float

    @property
    def significant(self) -> bool:
        """True if the corrected p is at most 5 %."""
        return self.corrected_p <= 1 - LEVEL

    def sentence(self) -> str:
        """Say whether the method protects, or makes it worse, with all counts."""
        share, least, most = (100 * part for part in self.better)
        if not self.significant:
            words = "is not shown to protect better or worse than"
        else:
            words = "protects better than" if share > 50 else "protects worse than"
        rule = f"{self.rule}{' or no score' * (self.failed > 0)}"
        return (
            f"{self.name} {words} {self.baseline}: its run is better in {share:.0f} % of pairs at equal doses "
            f"({least:.0f}–{most:.0f} %; corrected p = {self.corrected_p:.2g}; {self.what}: "
            f"{listed([number(dose) for dose in self.doses])}), {self.collapsed} of its {self.total} runs have {rule}, "
            f"and {self.baseline_collapsed} of {self.baseline_total} of {self.baseline}"
        )


def protection(table: pd.DataFrame, baseline: str) -> list[Protection]:
    """Compare each method of a dose study with a baseline, wherever both were trained with the same dose above 1.

    Runs without a score are worst, and count as collapsed.

    Args:
        baseline: the name of a method.
    """
    found = []
    for (dataset, what, rule), methods in runs_at_doses(table).items():
        own = _by_dose(methods.get(baseline, []), rule)
        rivals = {name: _by_dose(points, rule) for name, points in methods.items() if name != baseline}
        shared = {name: sorted(own.keys() & losses.keys()) for name, losses in rivals.items()}
        compared = {
            name: better_in_strata([(rivals[name][dose], own[dose]) for dose in doses])
            for name, doses in shared.items()
            if doses
        }
        corrected = holm([p for _, p in compared.values()])
        for (name, (better, p)), corrected_p in zip(compared.items(), corrected, strict=True):
            doses = shared[name]
            counts = (*_collapsed(rivals[name], doses, rule), *_collapsed(own, doses, rule))
            losses = np.concatenate([each[dose] for each in (rivals[name], own) for dose in doses])
            failed = int(np.isnan(losses).sum())
            found.append(
                Protection(dataset, what, rule, name, baseline, tuple(doses), better, *counts, failed, p, corrected_p)
            )
    return found


def _by_dose(points: Sequence[tuple[float, float]], rule: CollapseRule) -> dict[float, Values]:
    """Losses by dose: values of the rule's metric, turned so that larger is worse."""
    sign = 1 if rule.comparison == ">" else -1
    doses = sorted({dose for dose, _ in points if dose > BALANCED})
    return {dose: sign * np.array([value for at, value in points if at == dose]) for dose in doses}


def _collapsed(losses: Mapping[float, Values], doses: Sequence[float], rule: CollapseRule) -> tuple[int, int]:
    """Number of collapsed runs, and of all, at some doses."""
    sign = 1 if rule.comparison == ">" else -1
    values = np.concatenate([losses[dose] for dose in doses])
    return sum(math.isnan(value) or rule.applies(sign * value) for value in values.tolist()), len(values)
