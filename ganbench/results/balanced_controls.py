"""Balanced controls of a dose study: runs that differ from unbalanced ones in the dose alone.

A generator with more updates for each one of the discriminator's leaves fewer of the latter to a fixed budget of its
own. The control has the same number of steps, and the dose that is none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from ganbench.core.annotation import parse_dose
from ganbench.core.collapse_rule import CollapseRule, parse_rule
from ganbench.core.formatting import percent
from ganbench.results.at_equal_doses import (
    BALANCED,
    AtEqualDoses,
    MethodAtEqualDoses,
    at_equal_doses,
    doses_in_words,
    losses_by_dose,
)
from ganbench.results.brief import Brief
from ganbench.results.compare import COUNTED
from ganbench.results.dose_curves import RunsAtDoses, Study
from ganbench.results.inference import corrected
from ganbench.results.pairs_in_words import p_in_words
from ganbench.results.views import final_scores, runs


@dataclass(frozen=True)
class Imbalance(MethodAtEqualDoses):
    """The balanced runs of a method against its unbalanced ones.

    Attributes:
        balanced_runs, unbalanced_runs: their ids.
    """

    balanced_runs: frozenset[str]
    unbalanced_runs: frozenset[str]

    @property
    def does_better(self) -> bool:
        """True if a balanced run is better in more than half of the pairs."""
        return self.found.better.middle > 0.5

    def sentence(self) -> str:
        """Say whether the method does better balanced, with as many discriminator updates, with all counts."""
        if not self.significant:
            words = "are not shown to do better or worse"
        else:
            words = "do better" if self.does_better else "do worse"
        numbers = self.found.words("a balanced run", self.what, "the unbalanced ones", self.corrected_p)
        than = f"balanced runs {words} than unbalanced ones by {self.found.rule.metric}"
        return f"{self.name}: after as many discriminator updates, {than}: {numbers}"


@dataclass(frozen=True)
class Controls:
    """Findings from the balanced controls of a study.

    Attributes:
        methods: those with controls.
        controlled, unbalanced: number of settings with a dose above 1 that have a control, and of all.
        confounded: number of those without a control, of methods whose doses differ in discriminator updates, too.
    """

    methods: tuple[Imbalance, ...]
    controlled: int
    unbalanced: int
    confounded: int

    def summaries(self) -> list[str]:
        """Say for each kind of dose what all its methods show together, if any of them shows a difference."""
        return [summary for methods in self._kinds() for summary in _summaries(methods)]

    def in_brief(self, words: Mapping[str, str]) -> list[Brief]:
        """Say for each kind of dose how many runs collapse, where balanced runs do better.

        Args:
            words: the first word of each run's verdict, by its id.
        """
        better = [[each for each in methods if each.significant and each.does_better] for methods in self._kinds()]
        return [_in_brief(*pair, words) for pair in zip(better, self._kinds(), strict=True) if pair[0]]

    def _kinds(self) -> list[list[Imbalance]]:
        """The methods by data set, what the doses are of, and rule."""
        kinds: dict[tuple[str, str, CollapseRule], list[Imbalance]] = {}
        for method in self.methods:
            kinds.setdefault((method.dataset, method.what, method.found.rule), []).append(method)
        return list(kinds.values())


def _summaries(methods: Sequence[Imbalance]) -> list[str]:
    """A sentence on the methods that do better balanced, and one on those that do worse, of one kind of dose."""
    return [
        _summary([method for method in methods if method.significant and method.does_better is better], len(methods))
        for better in (True, False)
        if any(method.significant and method.does_better is better for method in methods)
    ]


def _in_brief(better: Sequence[Imbalance], methods: Sequence[Imbalance], words: Mapping[str, str]) -> Brief:
    """Count the runs of all methods with controls: those that do better alone would collapse more often."""
    unbalanced_called, balanced_called = (
        sum(words.get(run) == "COLLAPSED" for run in frozenset().union(*ids))
        for ids in ([each.unbalanced_runs for each in methods], [each.balanced_runs for each in methods])
    )
    first, balanced, unbalanced = methods[0], *_counts(methods)
    several = len(methods) > 1
    parts = f"{'all' if len(better) == len(methods) else f'{len(better)} of'} {len(methods)} parts"
    largest = p_in_words(max(each.corrected_p for each in better))
    doses = doses_in_words(method.found for method in methods)
    span = _span(better)
    by_part = "" if not several else ", with each part" if " to " not in span else ", depending on the part"
    return Brief(
        f"Unbalanced runs are worse with {parts if several else first.name} ({first.what}: {doses})",
        f"{unbalanced} unbalanced runs on {first.dataset} have {_rule(methods)}, and {balanced} balanced ones after as "
        f"many discriminator updates; the verdict is COLLAPSED for {unbalanced_called} and for {balanced_called}. A "
        f"balanced run is better in {span} of pairs{by_part} ({largest}{' or less' * several})",
    )


def _counts(methods: Sequence[Imbalance]) -> tuple[str, str]:
    """Numbers of balanced runs that collapsed and of all, and the same of unbalanced ones."""
    found = [method.found for method in methods]
    balanced = f"{sum(each.collapsed for each in found)} of {sum(each.total for each in found)}"
    return balanced, f"{sum(each.other_collapsed for each in found)} of {sum(each.other_total for each in found)}"


def _rule(methods: Sequence[Imbalance]) -> str:
    return f"{methods[0].found.rule}{' or no score' * any(method.found.failed for method in methods)}"


def _span(methods: Sequence[Imbalance]) -> str:
    """The lowest and the highest share of pairs: “86 to 100 %”."""
    lowest, highest = (percent(end(method.found.better.middle for method in methods)) for end in (min, max))
    return f"{lowest} to {highest} %" if lowest != highest else f"{lowest} %"


def _summary(methods: Sequence[Imbalance], of: int) -> str:
    first, rule, doses = methods[0], _rule(methods), doses_in_words(method.found for method in methods)
    span = f"{_span(methods)} of pairs at equal doses{', by part' * (len(methods) > 1)}"
    balanced, unbalanced = _counts(methods)
    words = "better" if first.does_better else "worse"
    names = "; ".join(method.name for method in methods)
    largest = max(method.corrected_p for method in methods)
    return (
        f"Balanced runs do {words} than unbalanced ones by {first.found.rule.metric} after as many discriminator "
        f"updates, with {len(methods)} of {of} part{'s' * (of > 1)} ({names}): a balanced run is better in {span} "
        f"(each corrected p is at most {largest:.2g}; {first.what}: {doses}), {balanced} of them have {rule}, "
        f"and {unbalanced} of the unbalanced ones"
    )


_AtDoses = dict[float, dict[str, float]]
"""The value of the rule's metric of each run, by dose and run."""


@dataclass(frozen=True)
class _Setting:
    """The runs of one spec, with its options and doses, and the median number of the discriminator's updates."""

    dataset: str
    name: str
    rule: str
    doses: dict[str, float]
    options: frozenset[str]
    updates: float
    runs: tuple[str, ...]


def balanced_controls(table: pd.DataFrame) -> Controls:
    """Compare each method of a dose study with its own controls.

    The control of an unbalanced setting differs from it in a single option, and has no dose, or one of 1.
    """
    settings = _settings(table)
    pairs, uncontrolled, unbalanced = _pairs(table, settings)
    results = {key: _compare(*pair, parse_rule(key[3])) for key, pair in pairs.items()}
    methods = [
        Imbalance(dataset, what, name, found, *map(_runs_of, pairs[dataset, what, name, rule]), p=found.p)
        for (dataset, what, name, rule), found in results.items()
    ]
    confounded = sum(_differs_in_updates(setting, what, settings) for setting, what in uncontrolled)
    return Controls(tuple(corrected(methods)), unbalanced - len(uncontrolled), unbalanced, confounded)


def controls_at_doses(table: pd.DataFrame) -> dict[Study, RunsAtDoses]:
    """Return the balanced controls of each method, each at the dose whose control it is."""
    found: dict[Study, RunsAtDoses] = {}
    for (dataset, what, name, rule), (balanced, _) in _pairs(table, _settings(table))[0].items():
        found.setdefault((dataset, what, parse_rule(rule)), {})[name] = balanced
    return found


def _pairs(
    table: pd.DataFrame, settings: Sequence[_Setting]
) -> tuple[dict[tuple[str, str, str, str], tuple[_AtDoses, _AtDoses]], list[tuple[_Setting, str]], int]:
    """The controls and the unbalanced runs of each method, the settings without a control, and how many there are.

    Keys are data set, what the doses are of, the method's name and the rule.
    """
    value_of = {rule: _values(table, rule) for rule in {setting.rule for setting in settings}}
    unbalanced = [(each, what) for each in settings for what, dose in each.doses.items() if dose > BALANCED]
    pairs: dict[tuple[str, str, str, str], tuple[_AtDoses, _AtDoses]] = {}
    uncontrolled = []
    for setting, what in unbalanced:
        control = next((each for each in settings if _is_control(each, setting, what)), None)
        if control is None:
            uncontrolled.append((setting, what))
            continue
        balanced, own = pairs.setdefault((setting.dataset, what, setting.name, setting.rule), ({}, {}))
        for at_doses, members in ((balanced, control.runs), (own, setting.runs)):
            values = {run: value_of[setting.rule].get(run, math.nan) for run in members}
            at_doses.setdefault(setting.doses[what], {}).update(values)
    return pairs, uncontrolled, len(unbalanced)


def _differs_in_updates(setting: _Setting, what: str, settings: Sequence[_Setting]) -> bool:
    """True if other doses of the same method have another number of discriminator updates."""
    alike = [each for each in settings if (each.dataset, each.name) == (setting.dataset, setting.name)]
    return any(what in each.doses and each.updates != setting.updates for each in alike)


def _settings(table: pd.DataFrame) -> list[_Setting]:
    ended = runs(table)
    ended = ended[(ended["collapsed"] != "") & ended["status"].isin(COUNTED)]
    found = []
    for _, members in ended.groupby("group", observed=True, sort=False):
        first = members.iloc[0]
        facts = [f"{column}={first[column]}" for column in ("loss", "arch", "protocol")]
        found.append(
            _Setting(
                dataset=str(first["dataset"]),
                name=str(first["name"]),
                rule=str(first["collapsed"]),
                doses=parse_dose(str(first["dose"])),
                options=frozenset([*facts, *str(first["options"]).split("; ")]),
                updates=float(members["critic_steps"].median()),
                runs=tuple(members["run"].astype(str)),
            )
        )
    return found


def _values(table: pd.DataFrame, rule: str) -> dict[str, float]:
    """The final value of a rule's metric for each run."""
    scores = final_scores(table)
    rows = scores[scores["metric"] == parse_rule(rule).metric].drop_duplicates("run", keep="last")
    return dict(zip(rows["run"].astype(str), rows["value"].astype(float), strict=True))


def _is_control(candidate: _Setting, setting: _Setting, what: str) -> bool:
    """Return whether a setting is the balanced control of an unbalanced one."""
    if candidate.dataset != setting.dataset or candidate.doses.get(what, BALANCED) != BALANCED:
        return False
    differing = [option.partition("=")[0] for option in candidate.options ^ setting.options]
    return len(differing) == 2 and differing[0] == differing[1]


def _runs_of(at_doses: _AtDoses) -> frozenset[str]:
    return frozenset(run for at_dose in at_doses.values() for run in at_dose)


def _compare(balanced: _AtDoses, own: _AtDoses, rule: CollapseRule) -> AtEqualDoses:
    found = at_equal_doses(losses_by_dose(balanced, rule), losses_by_dose(own, rule), rule)
    assert found is not None, "each dose has both"
    return found
