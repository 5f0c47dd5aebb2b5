"""Doses and collapsed runs of experiments that fixed both in advance: one curve for each method and kind of dose."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ganbench.core.annotation import parse_dose
from ganbench.core.collapse_rule import CollapseRule, parse_rule
from ganbench.core.formatting import listed, number
from ganbench.results.at_equal_doses import of_what
from ganbench.results.brief import Brief
from ganbench.results.compare import COUNTED
from ganbench.results.grouping import scored_alike
from ganbench.results.inference.dose_response import DoseResponse, dose_response
from ganbench.results.views import SCORED, final_scores, runs


@dataclass(frozen=True)
class DoseCurve:
    """The curve of one method.

    Attributes:
        rule: the rule for collapsed runs.
        response: fitted to all runs that have ended; a run without a score counts as collapsed.
        failed: number of runs without a score.
    """

    name: str
    rule: CollapseRule
    response: DoseResponse
    failed: int

    def sentence(self) -> str:
        """The dose at which the rule applies to half of the runs, with its interval, and the counts behind it."""
        failed = f"; {self.failed} failed and are counted among them" * (self.failed > 0)
        return f"{self.half()}: {self.counts()}{failed}"

    def counts(self) -> str:
        """The number of runs at each dose that the rule applies to: “0 of 7 at 2, 6 of 7 at 3”."""
        at_doses = zip(self.response.doses, self.response.runs, self.response.collapsed, strict=True)
        return ", ".join(f"{hits} of {runs} at {number(dose)}" for dose, runs, hits in at_doses)

    def half(self) -> str:
        """The dose at which the rule applies to half of the runs, with its interval."""
        half = self.response.half
        if half.middle == math.inf:
            return f"no run has {self.rule}" + f"; half of them would only at a dose above {number(half.low)}" * (
                half.low > 0
            )
        if half.middle == 0:
            bound = f"; half of them would only at a dose below {number(half.high)}" if half.high < math.inf else ""
            return f"all runs have {self.rule}{bound}"
        if math.isnan(half.middle):
            bounded = half.low > 0 or half.high < math.inf
            bound = f", but that it is {_range(half.low, half.high)}" * bounded
            return f"the runs don't tell at which dose half of them would have {self.rule}{bound}"
        return f"half of the runs have {self.rule} {self._place()} (95 % interval {_range(half.low, half.high)})"

    def _place(self) -> str:
        """The dose; only the doses around it, where the runs say no more."""
        low, high = self.response.gap or (0.0, math.inf)
        lowest, *_, highest = self.response.doses
        if self.response.gap is None and lowest <= self.response.half.middle <= highest:
            return f"at {number(self.response.half.middle)}"
        if self.response.gap is None:  # what lies outside of the doses is a guess
            low, high = (0.0, lowest) if self.response.half.middle < lowest else (highest, math.inf)
        if low == 0:
            return f"below {number(high)}"
        return f"above {number(low)}" if high == math.inf else f"between {number(low)} and {number(high)}"


DOSES = 3
"""Fewest doses of which it is said in brief where half of the runs collapse: two only bound it."""


@dataclass(frozen=True)
class DoseCurves:
    """All curves of one kind of dose on one data set, the most robust method first.

    Attributes:
        what: what the dose is of.
        rule: the rule for collapsed runs.
    """

    dataset: str
    what: str
    rule: str
    curves: tuple[DoseCurve, ...]

    @property
    def runs(self) -> int:
        """Number of runs of all methods."""
        return sum(sum(curve.response.runs) for curve in self.curves)

    def apart(self, name: str, other: str) -> str | None:
        """Say that the doses at which half of the runs of two methods collapse differ, if their intervals are apart."""
        half_of = {curve.name: curve.response.half for curve in self.curves}
        if name not in half_of or other not in half_of:
            return None
        one, another = half_of[name], half_of[other]
        lower, higher = one.high < another.low, one.low > another.high
        if not lower and not higher:
            return None
        ranges = (_range(half.low, half.high) for half in (one, another))
        return (
            f"half of the runs of {name} have {self.rule} at a {'lower' if lower else 'higher'} dose than of {other}: "
            f"{' and '.join(ranges)} ({self.what}), 95 % intervals that don't overlap"
        )

    def in_brief(self, baseline: str) -> Brief | None:
        """Say at which dose half of the runs collapse, of a method and of others with at least three doses."""
        half_of = {curve.name: curve.response.half for curve in self.curves}
        known = {name: _range(*half[1:]) for name, half in half_of.items() if half.low > 0 or half.high < math.inf}
        enough = {curve.name for curve in self.curves if len(curve.response.doses) >= DOSES}
        if baseline not in known or baseline not in enough:
            return None
        kinds = dict[str, list[str]]()
        for name, half in half_of.items():
            if name in known and name in enough and name != baseline:
                lower = half.high < half_of[baseline].low
                apart = self.apart(name, baseline)
                kind = "not shown to differ" if not apart else "lower" if lower else "higher"
                kinds.setdefault(kind, []).append(f"{name} ({known[name]})")
        others = "".join(f"; {kind} for {listed(kinds[kind])}" for kind in ("lower", "higher") if kind in kinds)
        failed = sum(curve.failed for curve in self.curves)
        details = [
            f"Not shown to differ: {listed(alike)}" if (alike := kinds.get("not shown to differ")) else "",
            f"Unknown for {listed(unknown)}" if (unknown := [name for name in half_of if name not in known]) else "",
            f"{failed} runs without a score are counted among them" if failed else "",
        ]
        return Brief(
            f"Half of {baseline}'s runs have {self.rule} with {of_what(known[baseline], self.what)}",
            f"This is the 95 % interval on {self.dataset}{others}",
            [sentence for sentence in details if sentence],
        )


Study = tuple[str, str, CollapseRule]
"""A data set, what the doses are of, and the rule for collapsed runs."""
RunsAtDoses = dict[str, dict[float, dict[str, float]]]
"""The value of the rule's metric of each run, by method, dose and run; NaN is a run without a score."""


def runs_at_doses(table: pd.DataFrame) -> dict[Study, RunsAtDoses]:
    """Return the runs that have ended, of experiments that fixed doses and a rule for collapsed runs.

    A run that has doses of several things, such as a balanced one, is part of each.
    """
    ended = runs(table)
    ended = ended[(ended["collapsed"] != "") & (ended["dose"] != "") & ended["status"].isin(COUNTED)]
    scores = final_scores(table)
    found: dict[Study, RunsAtDoses] = {}
    for (rule_text, dataset), members in ended.groupby(["collapsed", "dataset"], observed=True):
        rule = parse_rule(str(rule_text))
        value_of = scores[scores["metric"] == rule.metric].drop_duplicates("run", keep="last").set_index("run")["value"]
        scored = members.loc[members["status"].isin(SCORED), "run"]
        unmeasured = len(scored) and value_of.reindex(scored).isna().all()
        if unmeasured or not scored_alike(table, set(members["run"])):
            continue
        for run, name, dose in zip(members["run"], members["name"], members["dose"], strict=True):
            for what, amount in parse_dose(str(dose)).items():
                at_doses = found.setdefault((str(dataset), what, rule), {}).setdefault(str(name), {})
                at_doses.setdefault(amount, {})[str(run)] = float(value_of.get(run, math.nan))
    return dict(sorted(found.items(), key=lambda item: (item[0][:2], str(item[0][2]))))


def dose_curves(table: pd.DataFrame) -> list[DoseCurves]:
    """Fit the curves of all methods with at least two doses above 0 of the same thing."""
    fitted = [(study, _fit(study[2], methods)) for study, methods in runs_at_doses(table).items()]
    return [DoseCurves(dataset, what, str(rule), curves) for (dataset, what, rule), curves in fitted if curves]


def _fit(rule: CollapseRule, methods: RunsAtDoses) -> tuple[DoseCurve, ...]:
    curves = []
    for name, at_doses in methods.items():
        points = [(dose, value) for dose, values in at_doses.items() if dose > 0 for value in values.values()]
        doses, values = np.array(points).reshape(-1, 2).T
        if len(set(doses.tolist())) > 1:
            failed = np.isnan(values)
            collapsed = failed | np.array([rule.applies(value) for value in values])
            curves.append(DoseCurve(name, rule, dose_response(doses, collapsed.astype(float)), int(failed.sum())))
    return tuple(sorted(curves, key=_robustness))


def _robustness(curve: DoseCurve) -> tuple[float, str]:
    """Sort key: the largest half-effect dose first; without one, by the lower end of its interval."""
    half = curve.response.half
    place = half.low if math.isnan(half.middle) or half.middle == math.inf else half.middle
    return -(place + (half.middle == math.inf) * 1e6), curve.name


def _range(low: float, high: float) -> str:
    if low == 0:
        return f"at most {number(high)}"
    return f"at least {number(low)}" if high == math.inf else f"{number(low)}–{number(high)}"
