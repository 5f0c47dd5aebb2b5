"""Balanced controls of a dose study: runs that differ from unbalanced ones in the dose alone.

A generator with more updates for each one of the discriminator's leaves fewer of the latter to a fixed budget of its
own. The control has the same number of steps, and the dose that is none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ganbench.core.annotation import parse_dose
from ganbench.core.collapse_rule import CollapseRule, parse_rule
from ganbench.results.at_equal_doses import (
    BALANCED,
    AtEqualDoses,
    MethodAtEqualDoses,
    at_equal_doses,
    count_collapsed,
    losses_by_dose,
)
from ganbench.results.compare import COUNTED
from ganbench.results.dose_curves import RunsAtDoses, Study
from ganbench.results.grouping import BUDGET
from ganbench.results.inference import corrected
from ganbench.results.views import final_scores, runs


@dataclass(frozen=True)
class Imbalance(MethodAtEqualDoses):
    """The balanced runs of a method against its unbalanced ones.

    Attributes:
        balanced_runs, unbalanced_runs: their ids.
        shorter: True if the balanced runs have fewer updates of the generator.
        spare: of further balanced runs, whose unbalanced partners have not run: the number of discriminator updates,
            how many collapsed, and how many there are.
    """

    balanced_runs: frozenset[str]
    unbalanced_runs: frozenset[str]
    shorter: bool = False
    spare: tuple[tuple[float, int, int], ...] = ()

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

    def kinds(self) -> list[list[Imbalance]]:
        """The methods by data set, what the doses are of, and rule."""
        kinds: dict[tuple[str, str, CollapseRule], list[Imbalance]] = {}
        for method in self.methods:
            kinds.setdefault((method.dataset, method.what, method.found.rule), []).append(method)
        return list(kinds.values())


_Key = tuple[str, str, str, str]
"""Data set, what the doses are of, the method's name and the rule."""
_AtDoses = dict[float, dict[str, float]]
"""The value of the rule's metric of each run, by dose and run."""


@dataclass(frozen=True)
class _Setting:
    """The runs of one spec, with its options and doses, and the median numbers of both networks' updates."""

    dataset: str
    name: str
    rule: str
    doses: dict[str, float]
    options: frozenset[str]
    updates: float
    generator_updates: float
    runs: tuple[str, ...]


@dataclass(frozen=True)
class _Match:
    """An unbalanced setting, what its dose is of, and its balanced control; None if that hasn't run."""

    setting: _Setting
    what: str
    control: _Setting | None

    @property
    def key(self) -> _Key:
        return self.setting.dataset, self.what, self.setting.name, self.setting.rule


def balanced_controls(table: pd.DataFrame, planned: int = 0) -> Controls:
    """Compare each method of a dose study with its own controls.

    The control of an unbalanced setting differs from it in a single option, and has no dose, or one of 1.

    Args:
        planned: number of comparisons by design, if it is larger than that of comparisons which can be made.
    """
    settings = _settings(table)
    matches = _matches(settings)
    spare = _spare(table, settings, matches)
    methods = []
    for key, pair in _at_doses(table, matches).items():
        dataset, what, name, rule = key
        found = _compare(*pair, parse_rule(rule))
        balanced, unbalanced = map(_runs_of, pair)
        shorter = any(
            match.control is not None and match.control.generator_updates < match.setting.generator_updates
            for match in matches
            if match.key == key
        )
        methods.append(Imbalance(dataset, what, name, found, balanced, unbalanced, shorter, spare[key], p=found.p))
    uncontrolled = [match for match in matches if match.control is None]
    confounded = sum(_differs_in_updates(match.setting, match.what, settings) for match in uncontrolled)
    return Controls(tuple(corrected(methods, planned)), len(matches) - len(uncontrolled), len(matches), confounded)


def controls_at_doses(table: pd.DataFrame) -> dict[Study, RunsAtDoses]:
    """Return the balanced controls of each method, each at the dose whose control it is."""
    found: dict[Study, RunsAtDoses] = {}
    for (dataset, what, name, rule), (balanced, _) in _at_doses(table, _matches(_settings(table))).items():
        found.setdefault((dataset, what, parse_rule(rule)), {})[name] = balanced
    return found


def _matches(settings: Sequence[_Setting]) -> list[_Match]:
    """All unbalanced settings, with their controls."""
    return [
        _Match(setting, what, next((each for each in settings if _is_control(each, setting, what)), None))
        for setting in settings
        for what, dose in setting.doses.items()
        if dose > BALANCED
    ]


def _at_doses(table: pd.DataFrame, matches: Sequence[_Match]) -> dict[_Key, tuple[_AtDoses, _AtDoses]]:
    """The balanced and the unbalanced runs of each method with controls, at the doses that have one."""
    value_of = {rule: _values(table, rule) for rule in {match.setting.rule for match in matches}}
    found: dict[_Key, tuple[_AtDoses, _AtDoses]] = {}
    for match in matches:
        if match.control is not None:
            balanced, own = found.setdefault(match.key, ({}, {}))
            for at_doses, members in ((balanced, match.control.runs), (own, match.setting.runs)):
                values = {run: value_of[match.setting.rule].get(run, math.nan) for run in members}
                at_doses.setdefault(match.setting.doses[match.what], {}).update(values)
    return found


def _spare(
    table: pd.DataFrame, settings: Sequence[_Setting], matches: Sequence[_Match]
) -> dict[_Key, tuple[tuple[float, int, int], ...]]:
    """Balanced settings of no unbalanced one, which differ from a method's controls in their budget alone.

    They belong to the kind of dose that changes the number of updates.
    """
    used: dict[_Key, list[_Setting]] = {}
    for match in matches:
        if match.control is not None:
            used.setdefault(match.key, []).append(match.control)
    taken = {setting.runs for members in used.values() for setting in members}
    value_of = {rule: _values(table, rule) for rule in {rule for *_, rule in used}}
    found: dict[_Key, tuple[tuple[float, int, int], ...]] = {}
    for key, members in used.items():
        dataset, *_, rule = key
        changes = len({member.updates for member in members}) > 1
        alike = [
            setting
            for setting in settings
            if changes
            and (setting.dataset, setting.rule) == (dataset, rule)
            and setting.runs not in taken
            and {option.partition("=")[0] for option in setting.options ^ members[0].options} <= set(BUDGET)
        ]
        values, parsed = value_of[rule], parse_rule(rule)
        found[key] = tuple(
            (each.updates, count_collapsed([values.get(run, math.nan) for run in each.runs], parsed), len(each.runs))
            for each in alike
        )
    return found


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
                generator_updates=float(members["generator_steps"].median()),
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
