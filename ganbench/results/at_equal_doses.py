"""Two kinds of runs of a dose study, compared at equal doses."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ganbench.core.collapse_rule import CollapseRule
from ganbench.core.formatting import listed, number, percent, percents
from ganbench.results.inference import Interval, Tested, Values
from ganbench.results.inference.factorial import better_in_strata, change_between
from ganbench.results.inference.ranks import share_in_strata, superiority
from ganbench.results.pairs_in_words import p_in_words, reverses

BALANCED = 1.0
"""The dose that is none: only larger ones are compared."""

LossesByDose = Mapping[float, Mapping[str, float]]
"""Losses of runs by dose and run: values of the rule's metric, turned so that larger is worse; NaN is no score."""
_Losses = Mapping[str, float]


@dataclass(frozen=True)
class AtEqualDoses:
    """A comparison at all doses above 1 that both kinds have; runs without a score are worst, and count as collapsed.

    A run counts once: doses that share runs, such as a control of all of them, are compared together.

    Attributes:
        better: the probability that a run of the first kind is better than one of the second at the same dose, by the
            metric of the study's rule for collapsed runs, averaged over doses; with its 95 % interval.
        by_dose: the same at each dose: an average hides that it is more at one and less at another.
        collapsed, total: number of collapsed runs of the first kind, and of all.
        other_collapsed, other_total: the same of the second kind.
        counts, other_counts: both numbers at each dose, of either kind; doses may share runs.
        failed: number of runs of both without a score.
        p: of the hypothesis that neither is better, by van Elteren's test.
    """

    rule: CollapseRule
    doses: tuple[float, ...]
    better: Interval
    by_dose: tuple[Interval, ...]
    collapsed: int
    total: int
    other_collapsed: int
    other_total: int
    counts: tuple[tuple[int, int], ...]
    other_counts: tuple[tuple[int, int], ...]
    failed: int
    p: float

    def at_each(self) -> str:
        """Return in how many pairs a run of the first kind is better at each dose: “92 % at 2 and 88 % at 3”."""
        shares = zip(self.doses, self.by_dose, strict=True)
        at_each = [f"{percent(better.middle)} % at {number(dose)}" for dose, better in shares]
        return f"{listed(at_each)}{', so better at some and worse at others' * reverses(self.by_dose)}"

    def words(self, run: str, what: str, other: str, corrected_p: float) -> str:
        """Return a clause with all numbers: “its run is better in 88 % of pairs at equal doses (…: 92 % at 2, …), …”.

        Args:
            run: a run of the first kind, in words.
            what: what the doses are of.
            other: the second kind, in words.
        """
        share, least, most = self.better
        rule = f"{self.rule}{' or no score' * (self.failed > 0)}"
        have = "has" if self.collapsed == 1 else "have"
        interval = percents(least, most)
        return (
            f"{run} is better in {percent(share)} % of pairs at equal doses ({interval}; corrected p = "
            f"{corrected_p:.2g}; {what}: {self.at_each()}), {self.collapsed} of "
            f"{self.total} runs {have} {rule}, and {self.other_collapsed} of {self.other_total} of {other}"
        )


@dataclass(frozen=True)
class MethodAtEqualDoses(Tested):
    """A comparison about one method of a dose study, which is tested among those about others.

    Attributes:
        what: what the doses are of.
    """

    dataset: str
    what: str
    name: str
    found: AtEqualDoses


def doses_in_words(*doses: Iterable[float]) -> str:
    """List all doses of some comparisons: “2, 3 and 5”."""
    return listed([number(dose) for dose in sorted(set[float]().union(*doses))])


def of_what(doses: str, what: str) -> str:
    """Return “2 and 5 updates of G per D”, or “D's rate divided by 2 and 5” for what ends so."""
    return f"{what} {doses}" if what.endswith(" by") else f"{doses} {what}"


def losses_by_dose(values: Mapping[float, Mapping[str, float]], rule: CollapseRule) -> LossesByDose:
    """Losses by dose and run, of doses above 1, from values of the rule's metric."""
    sign = 1 if rule.comparison == ">" else -1
    return {
        dose: {run: sign * value for run, value in at_dose.items()}
        for dose, at_dose in values.items()
        if dose > BALANCED
    }


def at_equal_doses(first: LossesByDose, second: LossesByDose, rule: CollapseRule) -> AtEqualDoses | None:
    """Compare two kinds of runs; None if they have no dose in common."""
    doses = sorted(first.keys() & second.keys())
    if not doses:
        return None
    better, p = better_in_strata([(_values(one), _values(other)) for one, other in _strata(first, second, doses)])
    by_dose = tuple(superiority(_values(first[dose]), _values(second[dose])) for dose in doses)
    one, other = ({run: loss for dose in doses for run, loss in kind[dose].items()} for kind in (first, second))
    totals = (_collapsed(one, rule), len(one), _collapsed(other, rule), len(other))
    counts, other_counts = (
        tuple((_collapsed(kind[dose], rule), len(kind[dose])) for dose in doses) for kind in (first, second)
    )
    failed = sum(math.isnan(loss) for losses in (one, other) for loss in losses.values())
    return AtEqualDoses(rule, tuple(doses), better, by_dose, *totals, counts, other_counts, failed, p)


@dataclass(frozen=True)
class ShareChange(Tested):
    """A difference of two shares: one thing is better than another more often here than elsewhere.

    Attributes:
        doses: those that count.
        share, elsewhere: the two probabilities of being better.
        by: the first minus the second, with its 95 % interval.
    """

    doses: tuple[float, ...]
    share: float
    elsewhere: float
    by: Interval

    def words(self) -> str:
        """Return the change in percentage points: “+19 points (−1 to +39; p = 0.062)”."""
        middle, low, high = (f"{100 * share:+.0f}".replace("-", "−") for share in self.by)
        return f"{middle} points ({low} to {high}; {p_in_words(self.corrected_p)})"


def share_change(
    pair: tuple[LossesByDose, LossesByDose], elsewhere: tuple[LossesByDose, LossesByDose]
) -> ShareChange | None:
    """Compare how often the first of two kinds of runs is better, with how often that is so of another two kinds.

    Returns:
        The change over the doses that all four have, not corrected yet; None if there are none.
    """
    doses = sorted(set.intersection(*(set(losses) for losses in (*pair, *elsewhere))))
    if not doses:
        return None
    one, other = ([(_values(a), _values(b)) for a, b in _strata(*kinds, doses)] for kinds in (pair, elsewhere))
    by, p = change_between(one, other)
    return ShareChange(tuple(doses), share_in_strata(one).better, share_in_strata(other).better, by, p=p)


def count_collapsed(values: Iterable[float], rule: CollapseRule) -> int:
    """Number of collapsed runs by their values of the rule's metric; those without one, NaN, count among them."""
    return sum(math.isnan(value) or rule.applies(value) for value in values)


def _collapsed(losses: _Losses, rule: CollapseRule) -> int:
    sign = 1 if rule.comparison == ">" else -1
    return count_collapsed([sign * loss for loss in losses.values()], rule)


def _strata(first: LossesByDose, second: LossesByDose, doses: Sequence[float]) -> list[tuple[_Losses, _Losses]]:
    """The losses of both kinds in strata that share no run: one for each dose, or for several with the same runs."""
    strata: list[tuple[_Losses, _Losses]] = []
    for dose in doses:
        one, other = first[dose], second[dose]
        sharing = [stratum for stratum in strata if stratum[0].keys() & one.keys() or stratum[1].keys() & other.keys()]
        for stratum in sharing:
            one, other = {**stratum[0], **one}, {**stratum[1], **other}
        strata = [*(stratum for stratum in strata if stratum not in sharing), (one, other)]
    return strata


def _values(losses: _Losses) -> Values:
    return np.array(list(losses.values()))
