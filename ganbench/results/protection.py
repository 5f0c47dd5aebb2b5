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
from ganbench.results.inference import corrected
from ganbench.results.pairs_in_words import ALIKE, failed_in_words, pairs_in_words
from ganbench.results.views import final_scores, runs

NO_ROOM = 0.95
"""Share of balanced pairs from which on a lead can hardly get larger."""
GOOD = "hq"
"""The metric of the share of good samples, which stands beside protection: blur can be even, too."""


@dataclass(frozen=True)
class Protection(MethodAtEqualDoses):
    """A method's runs against those of another one of its study.

    Attributes:
        baseline: the other one.
        balanced: the balanced controls of both, compared alike; None if there are none.
        images, balanced_images: how many times as many real images the method saw as the other, at each dose, and in
            the controls; empty if the other saw none.
        lead: how often it is better than the other, unbalanced and balanced: a method that is ahead anyway needn't
            protect. None without controls.
        harm: how often a balanced run is better than an unbalanced one, of the method and of the other. A lead in all
            pairs can't grow; this can still be smaller. None without controls.
        good: the median share of good samples at the doses where it is ahead, of both; empty if it wasn't measured.
    """

    baseline: str
    balanced: AtEqualDoses | None
    images: tuple[float, ...]
    balanced_images: tuple[float, ...]
    lead: ShareChange | None
    harm: ShareChange | None
    good: tuple[float, ...] = ()

    @property
    def protects(self) -> bool:
        """True if the imbalance is shown to matter less to it, by its lead or by its harm, and it is ahead somewhere.

        A method that is worse when balanced may catch up, or have nothing to lose, and collapse all the same.
        """
        return bool(self.ahead_at) and (self.lead_grows or self.is_harmed_less)

    @property
    def ahead_at(self) -> tuple[float, ...]:
        """The doses at which it is ahead of the other one: the 95 % interval is above 50 %."""
        return ahead_at(self.found)

    @property
    def lead_grows(self) -> bool:
        """True if the method is shown to be further ahead of the other, or less behind, than its balanced controls."""
        return self.lead is not None and self.lead.significant and self.lead.by.middle > 0

    @property
    def is_harmed_less(self) -> bool:
        """True if the imbalance is shown to make the method worse in fewer pairs than it does the other."""
        return self.harm is not None and self.harm.significant and self.harm.by.middle < 0

    @property
    def has_no_room(self) -> bool:
        """True if the balanced controls are ahead in almost all pairs, so that no larger lead could be shown."""
        return self.balanced is not None and self.balanced.better.middle >= NO_ROOM

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

    def harm_in_words(self) -> str:
        """Return “harmed in 0 % of pairs, non-saturating in 100 %: −100 points (…)”; empty without controls."""
        if self.harm is None:
            return ""
        other = f"{self.baseline} in {percent(self.harm.elsewhere)} %"
        return f"harmed in {percent(self.harm.share)} % of pairs, {other}: {self.harm.words()}"

    def protection_in_words(self) -> str:
        """Say by what a method that protects is shown to, and how good its samples are."""
        shown = [self.lead_in_words()] * self.lead_grows + [self.harm_in_words()] * self.is_harmed_less
        leads = f"better than {self.baseline} in {self.found.at_each()}"
        own, other = map(percent, self.good or (0.0, 0.0))
        good = f"at {_doses(self.ahead_at)}, {own} % of its samples are good, and {other} % of {self.baseline}'s"
        return f"{self.name} ({'; '.join([*shown, leads, *[good] * bool(self.good)])})"

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
        also: pairs of names that are compared besides. The p-values are corrected for all comparisons together, and so
            are those of all leads and harms.
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
                    share_change((own, other), (own_balanced, other_balanced)),
                    share_change((own_balanced, own), (other_balanced, other)),
                    _medians(methods, pair, ahead_at(result), good),
                    p=result.p,
                )
            )
        changes = iter(corrected([change for each in found for change in (each.lead, each.harm) if change]))
        compared += [
            replace(each, lead=each.lead and next(changes), harm=each.harm and next(changes))
            for each in corrected(found)
        ]
    return compared


def ahead_at(found: AtEqualDoses) -> tuple[float, ...]:
    """The doses at which the first kind of runs is shown to be better, by a 95 % interval above 50 %."""
    return tuple(dose for dose, better in zip(found.doses, found.by_dose, strict=True) if better.low > 0.5)


def protecting_in_brief(compared: Sequence[Protection]) -> Brief | None:
    """Say which of the methods protect, of those compared with the same one; None without controls."""
    tested = [each for each in compared if each.lead is not None]
    if not tested:
        return None
    protecting = [each for each in tested if each.protects]
    first, several = tested[0], len(tested) > 1
    by = f"On {first.dataset}, by {first.found.rule.metric}, "
    doses = doses_in_words([each.balanced for each in tested if each.balanced])
    if protecting:
        protects = f"{listed([each.name for each in protecting])} {'protect' if len(protecting) > 1 else 'protects'}"
        doses = _doses({dose for each in protecting for dose in each.ahead_at})
        evidence = listed([each.protection_in_words() for each in protecting])
    else:
        protects = f"{'none is' if several else f'{first.name} is not'} shown to protect"
        evidence = f"an imbalance is not shown to matter less to any of them than to {first.baseline}"
        if not several:
            evidence = f"an imbalance is not shown to matter less to it than to {first.baseline}"
    said = {each.name for each in protecting}
    for verb, members in (
        (("loses", "lose", "some of the lead"), [each for each in tested if each.loses_lead]),
        (("catches", "catch", "up, but is ahead at no dose"), [each for each in tested if each.lead_grows]),
    ):
        new = [each for each in members if each.name not in said]
        said |= {each.name for each in new}
        if new:
            changes = listed([f"{each.name} ({each.lead_in_words()})" for each in new])
            evidence += f"; {changes} {verb[len(new) > 1]} {verb[2]}"
    full = [f"{each.name} ({each.harm_in_words()})" for each in tested if each.has_no_room and each.name not in said]
    if full:
        evidence += f"; {listed(full)} {'are' if len(full) > 1 else 'is'} ahead of it anyway when balanced"
    if untested := [each.name for each in compared if each.lead is None]:
        evidence += f"; not known of {listed(untested)}, whose balanced controls have not run"
    return Brief(f"{f'Of {len(tested)} parts, ' * several}{protects} ({first.what}: {doses})", by + evidence)


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
