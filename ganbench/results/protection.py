"""Methods that protect when the doses of a study get larger: each compared with another one at equal doses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ganbench.core.collapse_rule import CollapseRule
from ganbench.core.formatting import listed, number, percent, percents
from ganbench.results.at_equal_doses import (
    AtEqualDoses,
    MethodAtEqualDoses,
    at_equal_doses,
    change_of_lead,
    doses_in_words,
    losses_by_dose,
)
from ganbench.results.balanced_controls import controls_at_doses
from ganbench.results.brief import Brief
from ganbench.results.dose_curves import RunsAtDoses, runs_at_doses
from ganbench.results.inference import Interval, corrected, holm
from ganbench.results.inference.intervals import LEVEL
from ganbench.results.pairs_in_words import ALIKE, failed_in_words, p_in_words, pairs_in_words
from ganbench.results.views import runs

NO_ROOM = 0.95
"""Share of balanced pairs from which on a lead can hardly get larger."""


@dataclass(frozen=True)
class Protection(MethodAtEqualDoses):
    """A method's runs against those of another one of its study.

    Attributes:
        baseline: the other one.
        balanced: the balanced controls of both, compared alike; None if there are none.
        images, balanced_images: how many times as many real images the method saw as the other, at each dose, and in
            the controls; empty if the other saw none.
        change: its share of better pairs at these doses, minus that of the controls: a method that is ahead anyway
            needn't protect. With its 95 % interval; None without controls.
        change_p: of the hypothesis that there is no change, after Holm's correction like `corrected_p`; 1 without
            controls.
    """

    baseline: str
    balanced: AtEqualDoses | None
    images: tuple[float, ...]
    balanced_images: tuple[float, ...]
    change: Interval | None
    change_p: float

    @property
    def protects(self) -> bool:
        """True if the method's lead is shown to be larger than that of its controls, and it is ahead at some dose.

        A method that is worse when balanced may catch up and collapse all the same.
        """
        return self.lead_grows and any(better.low > 0.5 for better in self.found.by_dose)

    @property
    def lead_grows(self) -> bool:
        """True if the method is shown to be further ahead of the other, or less behind, than its balanced controls."""
        return self.change is not None and self.change_p <= 1 - LEVEL and self.change.middle > 0

    @property
    def has_no_room(self) -> bool:
        """True if the balanced controls are ahead in almost all pairs, so that no larger lead could be shown."""
        return self.balanced is not None and self.balanced.better.middle >= NO_ROOM

    @property
    def loses_lead(self) -> bool:
        """True if the method is shown to be ahead of the other by less than its balanced controls, which are ahead."""
        ahead = self.balanced is not None and self.balanced.better.low > 0.5
        return ahead and self.change is not None and self.change_p <= 1 - LEVEL and self.change.middle < 0

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

    def sides_in_words(self) -> str:
        """Return the shares behind the change: “0 % of pairs balanced, 100 % at 3 and 10”; empty without controls."""
        if self.change is None or self.balanced is None:
            return ""
        balanced = self.balanced.better.middle
        # Doses without a control don't count.
        unbalanced = f"{percent(balanced + self.change.middle)} % at {doses_in_words([self.balanced])}"
        return f"{percent(balanced)} % of pairs balanced, {unbalanced}"

    def change_in_words(self) -> str:
        """Return the change in percentage points: “+19 points (−1 to +39; p = 0.062)”; empty without controls."""
        if self.change is None:
            return ""
        middle, low, high = (f"{100 * share:+.0f}".replace("-", "−") for share in self.change)
        return f"{middle} points ({low} to {high}; {p_in_words(self.change_p)})"

    def _beside(self) -> str:
        """The difference in data, if there is one, and the same comparison without an imbalance."""
        words = _more_images("; it saw", self.images)
        if self.balanced is not None:
            share, low, high = self.balanced.better
            words += f"; balanced, its run is better in {percent(share)} % of pairs ({percents(low, high)})"
            words += _more_images(", having seen", self.balanced_images)
        return words

    def _changed(self) -> str:
        if self.change is None:
            return ""
        return f"; its lead is {'' if self.lead_grows else 'not shown to be '}larger than balanced"


def protection(table: pd.DataFrame, baseline: str, also: Sequence[tuple[str, str]] = ()) -> list[Protection]:
    """Compare methods of a dose study, wherever both were trained with the same dose above 1.

    Args:
        baseline: the name of a method that all others are compared with.
        also: pairs of names that are compared besides. The p-values are corrected for all comparisons together.
    """
    compared, all_controls = list[Protection](), controls_at_doses(table)
    ended = runs(table)
    images = dict(zip(ended["run"].astype(str), ended["images"].astype(float), strict=True))
    for study, methods in runs_at_doses(table).items():
        dataset, what, rule = study
        controls = all_controls.get(study, {})
        pairs = [(name, baseline) for name in methods if name != baseline] + list(also)
        found = []
        for name, other in pairs:
            result = _compare(methods, (name, other), rule)
            if result is None:
                continue
            balanced = _compare(controls, (name, other), rule)
            change, change_p = _change(methods, controls, (name, other), rule)
            found.append(
                Protection(
                    dataset,
                    what,
                    name,
                    result,
                    other,
                    balanced,
                    _times(methods, (name, other), result.doses, images),
                    _times(controls, (name, other), balanced.doses, images) if balanced else (),
                    change,
                    change_p,
                    p=result.p,
                )
            )
        changes = iter(holm([each.change_p for each in found if each.change is not None]))
        compared += [replace(each, change_p=1.0 if each.change is None else next(changes)) for each in corrected(found)]
    return compared


def protecting_in_brief(compared: Sequence[Protection]) -> Brief | None:
    """Say which of the methods protect, of those compared with the same one; None without controls."""
    tested = [each for each in compared if each.change is not None]
    if not tested:
        return None
    protecting = [each for each in tested if each.protects]
    with_room = [each for each in tested if each.protects or not each.has_no_room] or tested
    first, several = with_room[0], len(with_room) > 1
    metric = first.found.rule.metric
    if protecting:
        protects = f"{listed([each.name for each in protecting])} {'protect' if len(protecting) > 1 else 'protects'}"
        larger = (
            f"the lead over {first.baseline} by {metric} is larger unbalanced than balanced: {_changes(protecting)}"
        )
    else:
        protects = f"{'none is' if several else f'{first.name} is not'} shown to protect"
        larger = f"no part is shown to be ahead of {first.baseline} by {metric} by more than when balanced"
    losing = [each for each in tested if each.loses_lead]
    loses = f"; {_changes(losing)} {'lose' if len(losing) > 1 else 'loses'} some of the lead" if losing else ""
    catching_up = [each for each in tested if each.lead_grows and not each.protects]
    catch = "catch" if len(catching_up) > 1 else "catches"
    catches = f"; {_changes(catching_up)} {catch} up, and no dose shows a lead" if catching_up else ""
    full = [each.name for each in tested if each.has_no_room and not each.protects]
    are = f"{'they are' if len(full) > 1 else 'it is'} ahead in at least {percent(NO_ROOM)} % of pairs"
    room = f"; {listed(full)} can't get much further ahead: balanced, {are}" if full else ""
    room_in_brief = " that could lead by more" if len(with_room) < len(tested) else ""
    doses = doses_in_words([each.balanced for each in tested if each.balanced])
    untested = [each.name for each in compared if each.change is None]
    unknown = f"; not known of {listed(untested)}: there are no balanced runs" if untested else ""
    return Brief(
        f"{f'Of {len(with_room)} parts{room_in_brief}, ' * several}{protects} ({first.what}: {doses})",
        f"On {first.dataset}, {larger}{catches}{loses}{room}{unknown}",
    )


def _changes(methods: Sequence[Protection]) -> str:
    return listed([f"{each.name} ({each.sides_in_words()}: {each.change_in_words()})" for each in methods])


def _compare(methods: RunsAtDoses, pair: tuple[str, str], rule: CollapseRule) -> AtEqualDoses | None:
    one, other = (losses_by_dose(methods.get(name, {}), rule) for name in pair)
    return at_equal_doses(one, other, rule)


def _change(
    methods: RunsAtDoses, controls: RunsAtDoses, pair: tuple[str, str], rule: CollapseRule
) -> tuple[Interval | None, float]:
    ahead, balanced = (tuple(losses_by_dose(kind.get(name, {}), rule) for name in pair) for kind in (methods, controls))
    return change_of_lead((ahead[0], ahead[1]), (balanced[0], balanced[1])) or (None, 1.0)


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
