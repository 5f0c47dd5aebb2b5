"""Methods that protect when the doses of a study get larger: each compared with another one at equal doses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ganbench.core.formatting import listed, number, percent, percents
from ganbench.results.at_equal_doses import (
    AtEqualDoses,
    MethodAtEqualDoses,
    ShareChange,
    at_equal_doses,
    doses_in_words,
    losses_by_dose,
    share_change,
)
from ganbench.results.balanced_controls import controls_at_doses
from ganbench.results.brief import Brief
from ganbench.results.dose_curves import RunsAtDoses, runs_at_doses
from ganbench.results.inference import Tested, corrected
from ganbench.results.inference.counts import exact_in_strata
from ganbench.results.pairs_in_words import ALIKE, failed_in_words, p_in_words, pairs_in_words
from ganbench.results.views import final_scores, runs

GOOD = "hq"
"""The metric of the share of good samples, which stands beside protection: blur can be even, too."""


@dataclass(frozen=True)
class CollapsedRuns(Tested):
    """How many of two kinds of runs collapsed at the same doses, by the study's rule; p is that of an exact test."""

    own: tuple[int, int]
    other: tuple[int, int]

    @property
    def excess(self) -> float:
        """How much larger the share of the second kind is."""
        return self.other[0] / self.other[1] - self.own[0] / self.own[1]


@dataclass(frozen=True)
class Protection(MethodAtEqualDoses):
    """A method's runs against those of another one of its study.

    Attributes:
        baseline: the other one.
        balanced: the balanced controls of both, compared alike; None if there are none.
        images, balanced_images: how many times as many real images the method saw as the other, at each dose, and in
            the controls; empty if the other saw none.
        collapsed: how many runs of both collapsed.
        lead: how often it is better than the other, unbalanced and balanced. None without controls.
        good: the median share of good samples of both, at the doses where it protects; empty if it wasn't measured.
    """

    baseline: str
    balanced: AtEqualDoses | None
    images: tuple[float, ...]
    balanced_images: tuple[float, ...]
    collapsed: CollapsedRuns
    lead: ShareChange | None
    good: tuple[float, ...] = ()

    @property
    def protects(self) -> bool:
        """True if fewer of its runs are shown to collapse, and by more than of the balanced controls."""
        return self.balanced is not None and self.collapsed.significant and self.collapsed.excess > self.anyway

    @property
    def anyway(self) -> float:
        """How much larger the share of collapsed runs is of the other one's controls; 0 without controls."""
        if self.balanced is None:
            return 0.0
        return self.balanced.other_collapsed / self.balanced.other_total - self.balanced.collapsed / self.balanced.total

    @property
    def spared_at(self) -> tuple[float, ...]:
        """The doses at which more runs of the other one collapse."""
        return spared_at(self.found)

    @property
    def lead_grows(self) -> bool:
        """True if the method is shown to be further ahead of the other, or less behind, than its balanced controls."""
        return self.lead is not None and self.lead.significant and self.lead.by.middle > 0

    @property
    def loses_lead(self) -> bool:
        """True if the method is shown to be ahead of the other by less than its balanced controls, which are ahead."""
        ahead = self.balanced is not None and self.balanced.better.low > 0.5
        return ahead and self.lead is not None and self.lead.significant and self.lead.by.middle < 0

    def sentence(self) -> str:
        """Say whether the method does better or worse by the rule's metric, with all counts."""
        if not self.significant:
            words = "is not shown to do better or worse than"
        else:
            words = "does better than" if self.found.better.middle > 0.5 else "does worse than"
        numbers = self.found.words("its run", self.what, self.baseline, self.corrected_p)
        return f"{self.name} {words} {self.baseline} by {self.found.rule.metric}: {numbers}{self._beside()}"

    def in_brief(self) -> Brief:
        """Say in few words what `sentence` says of a difference."""
        compared, numbers = pairs_in_words(self.found.better, self.corrected_p, significant=True)
        total = self.found.total + self.found.other_total
        does = "better" if self.found.better.middle > 0.5 else "worse"
        return Brief(
            f"{self.name} does {does} than {self.baseline} ({self.what}: {doses_in_words([self.found])})",
            f"At equal doses on {self.dataset}, its run is {compared} by {self.found.rule.metric} "
            f"({numbers}{failed_in_words(self.found.failed, total)}{self._beside()}{self._changed()})",
        )

    def lead_in_words(self) -> str:
        """Return “ahead in 100 % of pairs at 3 and 10, balanced in 0 %: +100 points (…)”; empty without controls."""
        if self.lead is None:
            return ""
        at = f"{percent(self.lead.share)} % of pairs at {_doses(self.lead.doses)}"
        return f"ahead in {at}, balanced in {percent(self.lead.elsewhere)} %: {self.lead.words()}"

    def collapsed_in_words(self) -> str:
        """Return “0 of 7 runs have kl_corrected > 1, and 6 of 7 of non-saturating (p = 0.037); balanced, …”."""
        (own, of), (other, other_of) = self.collapsed.own, self.collapsed.other
        counts = f"{own} of {of} runs have {self._rule()}, and {other} of {other_of} of {self.baseline}"
        words = f"{counts} ({p_in_words(self.collapsed.corrected_p)})"
        if self.balanced is not None:
            balanced = self.balanced
            words += f"; balanced, {balanced.collapsed} of {balanced.total} and {balanced.other_collapsed} of "
            words += f"{balanced.other_total}"
        return words

    def protection_in_words(self) -> str:
        """Say by what a method that protects is shown to, and how good its samples are."""
        good = ""
        if self.good:
            own, other = map(percent, self.good)
            good = f"; {own} % of its samples are good at {_doses(self.spared_at)}, and {other} % of {self.baseline}'s"
        return f"{self.name} ({self.collapsed_in_words()}{good})"

    def _rule(self) -> str:
        return f"{self.found.rule}{' or no score' * (self.found.failed > 0)}"

    def _beside(self) -> str:
        """The difference in data, if there is one, and the same comparison without an imbalance."""
        words = _more_images("; it saw", self.images)
        if self.balanced is not None:
            share, low, high = self.balanced.better
            words += f"; balanced, its run is better in {percent(share)} % of pairs ({percents(low, high)})"
            words += _more_images(", having seen", self.balanced_images)
        return words

    def _changed(self) -> str:
        if self.lead is None:
            return ""
        return f"; its lead is {'' if self.lead_grows else 'not shown to be '}larger than balanced"


def protection(table: pd.DataFrame, baseline: str, also: Sequence[tuple[str, str]] = ()) -> list[Protection]:
    """Compare methods of a dose study, wherever both were trained with the same dose above 1.

    Args:
        baseline: the name of a method that all others are compared with.
        also: pairs of names that are compared besides. The p-values of each kind are corrected for all
            comparisons together.
    """
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
            balanced = at_equal_doses(own_balanced, other_balanced, rule)
            found.append(
                Protection(
                    dataset,
                    what,
                    pair[0],
                    result,
                    pair[1],
                    balanced,
                    _times(methods, pair, result.doses, images),
                    _times(controls, pair, balanced.doses, images) if balanced else (),
                    _collapsed(result),
                    share_change((own, other), (own_balanced, other_balanced)),
                    _medians(methods, pair, spared_at(result), good),
                    p=result.p,
                )
            )
        collapsed = corrected([each.collapsed for each in found])
        leads = iter(corrected([each.lead for each in found if each.lead]))
        compared += [
            replace(each, collapsed=runs_of_both, lead=each.lead and next(leads))
            for each, runs_of_both in zip(corrected(found), collapsed, strict=True)
        ]
    return compared


def spared_at(found: AtEqualDoses) -> tuple[float, ...]:
    """The doses at which fewer runs of the first kind collapse than of the second."""
    pairs = zip(found.doses, found.counts, found.other_counts, strict=True)
    return tuple(dose for dose, (own, of), (other, other_of) in pairs if own / of < other / other_of)


def protecting_in_brief(compared: Sequence[Protection]) -> Brief | None:
    """Say which of the methods protect, of those compared with the same one; None without controls."""
    tested = [each for each in compared if each.balanced is not None]
    if not tested:
        return None
    protecting = [each for each in tested if each.protects]
    first, several = tested[0], len(tested) > 1
    if protecting:
        protects = f"{listed([each.name for each in protecting])} {'protect' if len(protecting) > 1 else 'protects'}"
        doses = _doses({dose for each in protecting for dose in each.spared_at})
        evidence = listed([each.protection_in_words() for each in protecting])
    else:
        protects = f"{'none is' if several else f'{first.name} is not'} shown to protect"
        doses = doses_in_words([each.found for each in tested])
        counts = listed([f"{each.collapsed.own[0]} of {each.collapsed.own[1]} of {each.name}" for each in tested])
        evidence = f"no fewer runs are shown to have {first._rule()} than of {first.baseline}: {counts}"
    if losing := [each for each in tested if each.loses_lead]:
        changes = listed([f"{each.name} ({each.lead_in_words()})" for each in losing])
        lose = "lose" if len(losing) > 1 else "loses"
        evidence += f"; by {first.found.rule.metric}, {changes} {lose} some of the lead over {first.baseline}"
    if untested := [each.name for each in compared if each.balanced is None]:
        evidence += f"; not known of {listed(untested)}, whose balanced controls have not run"
    return Brief(
        f"{f'Of {len(tested)} parts, ' * several}{protects} ({first.what}: {doses})", f"On {first.dataset}, {evidence}"
    )


def _collapsed(found: AtEqualDoses) -> CollapsedRuns:
    p = exact_in_strata(list(zip(found.counts, found.other_counts, strict=True)))
    return CollapsedRuns((found.collapsed, found.total), (found.other_collapsed, found.other_total), p=p)


def _doses(doses: Iterable[float]) -> str:
    return listed([number(dose) for dose in sorted(doses)])


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


def _more_images(words: str, images: Sequence[float]) -> str:
    if not any(abs(times - 1) > ALIKE for times in images):
        return ""
    times = [number(each) for each in images]
    times = times[:1] if len(set(times)) == 1 else times
    return f"{words} {listed(times)} times as many real images"
