"""Methods that protect when the doses of a study get larger: each compared with another one at equal doses."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ganbench.results.at_equal_doses import (
    AtEqualDoses,
    LossesByDose,
    MethodAtEqualDoses,
    ShareChange,
    at_equal_doses,
    losses_by_dose,
    share_change,
)
from ganbench.results.balanced_controls import controls_at_doses
from ganbench.results.dose_curves import RunsAtDoses, runs_at_doses
from ganbench.results.inference import Tested, corrected
from ganbench.results.inference.counts import exact_in_strata
from ganbench.results.verdict_words import words_of_runs
from ganbench.results.verdicts import seeds_that_lost_modes
from ganbench.results.views import GOOD, final_scores, runs


@dataclass(frozen=True)
class CollapsedRuns(Tested):
    """Counts of two kinds of runs that collapsed at the same doses, by the study's rule; p is that of an exact test.

    Attributes:
        own, other: the number of collapsed runs of either kind, and of all.
        missing: of the doses at which fewer of the first kind collapsed, the numbers of runs of both that miss a mode,
            and of all; empty if it isn't known.
    """

    own: tuple[int, int]
    other: tuple[int, int]
    missing: tuple[tuple[int, int], ...] = ()

    @property
    def excess(self) -> float:
        """The share of the second kind, minus that of the first."""
        return _excess(self.own, self.other)

    @property
    def loses_modes(self) -> bool:
        """True if runs of the first kind miss a mode, and no fewer than of the second: they are only more even."""
        return bool(self.missing) and self.missing[0][0] > 0 and _excess(*self.missing) <= 0


@dataclass(frozen=True)
class Protection(MethodAtEqualDoses):
    """A method's runs against those of another one of its study.

    Attributes:
        baseline: the other one.
        balanced: the balanced controls of both, compared alike; None if there are none.
        images, balanced_images: how many times as many real images the method saw as the other, at each dose, and in
            the controls; empty if the other saw none.
        graded: the comparison by the rule's metric, at doses at which not all runs of both are called COLLAPSED: of
            copies, none is better. None if there is no such dose.
        collapsed: how many runs of both collapsed, at all doses.
        lead: how often it is better than the other, unbalanced and balanced, at the doses of `graded`. None without
            controls.
        good: the median share of good samples of both, at the doses where it protects; empty if it wasn't measured.
    """

    baseline: str
    balanced: AtEqualDoses | None
    images: tuple[float, ...]
    balanced_images: tuple[float, ...]
    graded: AtEqualDoses | None
    collapsed: CollapsedRuns
    lead: ShareChange | None
    good: tuple[float, ...] = ()

    @property
    def protects(self) -> bool:
        """True if fewer of its runs are shown to collapse, by more than balanced ones, and fewer miss a mode.

        A rule may be met by fewer runs because they are more even, and modes may be missing all the same.
        """
        return self.falls_less and not self.collapsed.loses_modes

    @property
    def falls_less(self) -> bool:
        """True if fewer of its runs are shown to collapse by the rule, by more than of the balanced controls."""
        return self.balanced is not None and self.collapsed.significant and self.collapsed.excess > self.anyway

    @property
    def anyway(self) -> float:
        """The same excess among the controls, which collapse without an imbalance; 0 without controls."""
        if self.balanced is None:
            return 0.0
        balanced = self.balanced
        own, other = (balanced.collapsed, balanced.total), (balanced.other_collapsed, balanced.other_total)
        return _excess(own, other)

    @property
    def spared_at(self) -> tuple[float, ...]:
        """The doses at which more runs of the other one collapse."""
        return spared_at(self.found)

    @property
    def is_behind_its_controls(self) -> bool:
        """True if its lead is shown to be smaller than that of its balanced controls, which are ahead."""
        ahead = self.balanced is not None and self.balanced.better.low > 0.5
        return ahead and self.lead is not None and self.lead.significant and self.lead.by.middle < 0


def protection(
    table: pd.DataFrame,
    baseline: str,
    also: Sequence[tuple[str, str]] = (),
    planned: Collection[tuple[str, str]] = (),
) -> list[Protection]:
    """Compare methods of a dose study, wherever both were trained with the same dose above 1.

    Args:
        baseline: the name of a method that all others are compared with.
        also: pairs of names that are compared besides. The p-values of each kind are corrected for all
            comparisons together.
        planned: methods of the design, each with what its doses are of: comparisons with those that haven't run count.
    """
    words, lost = words_of_runs(table), _lost(table)
    compared, all_controls = list[Protection](), controls_at_doses(table)
    ended = runs(table)
    images = dict(zip(ended["run"].astype(str), ended["images"].astype(float), strict=True))
    scores = final_scores(table)
    scores = scores[scores["metric"] == GOOD]
    good = dict(zip(scores["run"].astype(str), scores["value"].astype(float), strict=True))
    for study, methods in runs_at_doses(table).items():
        dataset, what, rule = study
        controls = all_controls.get(study, {})
        found = []
        for pair in [(name, baseline) for name in methods if name != baseline] + list(also):
            (own, other), (own_balanced, other_balanced) = (
                [losses_by_dose(kind.get(name, {}), rule) for name in pair] for kind in (methods, controls)
            )
            result = at_equal_doses(own, other, rule)
            if result is None:
                continue
            # Of copies, none is better.
            copies = {
                dose
                for dose in result.doses
                if all(words.get(run) == "COLLAPSED" for kind in (own, other) for run in kind[dose])
            }
            own, other = ({dose: runs for dose, runs in kind.items() if dose not in copies} for kind in (own, other))
            graded = at_equal_doses(own, other, rule)
            balanced = at_equal_doses(own_balanced, other_balanced, rule)
            found.append(
                Protection(
                    dataset,
                    what,
                    pair[0],
                    result,
                    pair[1],
                    balanced,
                    _times(methods, pair, graded.doses, images) if graded else (),
                    _times(controls, pair, balanced.doses, images) if balanced else (),
                    graded,
                    _collapsed(result, [methods[name] for name in pair], lost),
                    share_change((own, other), (own_balanced, other_balanced)),
                    _medians(methods, pair, spared_at(result), good),
                    p=graded.p if graded else math.nan,
                )
            )
        names = {name for name, planned_what in planned if planned_what == what} | set(methods)
        tests = len(names - {baseline}) + len(also)
        collapsed = corrected([each.collapsed for each in found], tests)
        leads = iter(corrected([each.lead for each in found if each.lead], tests))
        compared += [
            replace(each, collapsed=runs_of_both, lead=each.lead and next(leads))
            for each, runs_of_both in zip(corrected(found, tests), collapsed, strict=True)
        ]
    return compared


def spared_at(found: AtEqualDoses) -> tuple[float, ...]:
    """The doses at which fewer runs of the first kind collapse than of the second."""
    pairs = zip(found.doses, found.counts, found.other_counts, strict=True)
    return tuple(dose for dose, (own, of), (other, other_of) in pairs if own / of < other / other_of)


def _collapsed(found: AtEqualDoses, runs_of: Sequence[LossesByDose], lost: Mapping[str, bool]) -> CollapsedRuns:
    spared = spared_at(found)
    members = [[run for dose in spared for run in kind[dose]] for kind in runs_of]
    known = spared and all(run in lost for of_kind in members for run in of_kind)
    missing = tuple((sum(lost[run] for run in of_kind), len(of_kind)) for of_kind in members) if known else ()
    p = exact_in_strata(list(zip(found.counts, found.other_counts, strict=True)))
    return CollapsedRuns((found.collapsed, found.total), (found.other_collapsed, found.other_total), missing, p=p)


def _lost(table: pd.DataFrame) -> dict[str, bool]:
    """Return whether each run with a verdict misses a mode."""
    lost = seeds_that_lost_modes(table[table["kind"].isin(("final", "verdict"))])
    return {str(run): bool(value) for run, value in lost.items()}


def _excess(own: tuple[int, int], other: tuple[int, int]) -> float:
    """The second share, minus the first."""
    return other[0] / other[1] - own[0] / own[1]


def _medians(
    methods: RunsAtDoses, pair: tuple[str, str], doses: Sequence[float], values: Mapping[str, float]
) -> tuple[float, ...]:
    """The medians of two methods' runs at some doses; empty if none of one of them has a value."""
    each = [[values[run] for dose in doses for run in methods[name][dose] if run in values] for name in pair]
    return tuple(float(np.median(of)) for of in each) if all(each) else ()


def _times(
    methods: RunsAtDoses, pair: tuple[str, str], doses: Sequence[float], images: Mapping[str, float]
) -> tuple[float, ...]:
    """The ratio of the medians of real images that the runs of two methods saw, at each dose."""
    own, others = ([float(np.median([images[run] for run in methods[name][dose]])) for dose in doses] for name in pair)
    return tuple(one / other for one, other in zip(own, others, strict=True)) if all(others) else ()
