"""Published differences between two methods, and whether the same two differ in the same direction in our runs.

A number of another network or budget can't be compared with ours; which of two methods is better, often can.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ganbench.core.annotation import parse_dose
from ganbench.core.formatting import percent, percents
from ganbench.core.settings import accepts
from ganbench.results.claims.reproduction import half_width_published
from ganbench.results.claims.table import Claim
from ganbench.results.compare import COUNTED
from ganbench.results.factor_effects import outcome_losses
from ganbench.results.grouping import scored_alike
from ganbench.results.inference import Interval, Values, as_losses, holm
from ganbench.results.inference.factorial import better_in_strata
from ganbench.results.inference.intervals import LEVEL
from ganbench.results.pairs_in_words import failed_in_words, p_in_words
from ganbench.results.views import runs

NETWORKS = ("arch.", "wrapper")
"""Beginnings of the options of a claim that belong to its networks, which may be others here."""
PLAIN = {"penalty": "none", "wrapper": "none", "train.pac": "1", "train.unrolled": "0"}
"""Parts of a method, and their values where there is none: ours has no part that the published one hasn't."""
BUDGET = ("train.steps", "evaluation.every")
DIRECTIONS = ("lower", "higher")


@dataclass(frozen=True)
class PublishedDifference:
    """Two rows of a published table, of which the first is better by more than chance, as far as the paper tells."""

    better: Claim
    worse: Claim

    def words(self) -> str:
        """Both methods with their numbers: “NS GAN (6.8 ± 0.5) is better than MM GAN (9.8 ± 0.9) by fid”."""
        methods = (f"{claim.method} ({claim.text})" for claim in (self.better, self.worse))
        return f"{' is better than '.join(methods)} by {self.better.metric}"


@dataclass(frozen=True)
class DifferenceHere:
    """A published difference in our runs.

    Attributes:
        settings: number of settings in which our runs differ in nothing but what the methods differ in.
        chance: the probability that a run of the method that was published as better is better, with its 95 % interval.
        runs, failed: number of runs of either method, and of those without a score, which rank worst.
        p: of the hypothesis that neither is better, by van Elteren's test over the settings.
        corrected_p: p after Holm's correction for all published differences that are compared.
    """

    published: PublishedDifference
    settings: int
    chance: Interval
    runs: int
    failed: int
    p: float
    corrected_p: float = math.nan

    @property
    def outcome(self) -> str:
        """`reproduced` or `contradicted` if the corrected p is at most 5 %, by the direction; else `undecided`."""
        if not self.corrected_p <= 1 - LEVEL:
            return "undecided"
        return "reproduced" if self.chance.middle > 0.5 else "contradicted"

    def sentence(self) -> str:
        """Say how often a run of the method that was published as better is better here."""
        share, low, high = self.chance
        where = f" in each of {self.settings} settings, on average" * (self.settings > 1)
        better, worse = self.published.better.method, self.published.worse.method
        return (
            f"a run of {better} is better than one of {worse} in {percent(share)} % of pairs{where} "
            f"({percents(low, high)}; {p_in_words(self.corrected_p)}{failed_in_words(self.failed, self.runs)})"
        )


@dataclass(frozen=True)
class _Setting:
    """The runs of one spec."""

    loss: str
    options: Mapping[str, str]
    runs: tuple[str, ...]


def published_differences(claims: Iterable[Claim], directions: Mapping[str, str]) -> list[PublishedDifference]:
    """Return all pairs of rows of the same table that differ by more than their spreads, where we have both methods.

    Without a spread, any difference counts. Metrics that are best at the value of real data are left out: that value is
    the paper's own.

    Args:
        directions: the better direction of each metric, as in the tidy table.
    """
    tables: dict[tuple[str, ...], list[Claim]] = {}
    for claim in claims:
        if claim.loss and directions[claim.metric] in DIRECTIONS:
            tables.setdefault((claim.paper, claim.place, claim.dataset, claim.metric), []).append(claim)
    found = []
    for rows in tables.values():
        for pair in itertools.combinations(rows, 2):
            losses = as_losses(np.array([claim.value for claim in pair]), directions[rows[0].metric])
            chance = math.hypot(*map(_reach, pair))
            if abs(losses[0] - losses[1]) > chance:
                first, second = np.argsort(losses)
                found.append(PublishedDifference(pair[first], pair[second]))
    return found


def _reach(claim: Claim) -> float:
    """The distance of a published mean from the true one: its whole spread if the paper doesn't say what that is."""
    return half_width_published(claim)[0] or (0.0 if math.isnan(claim.spread) else claim.spread)


def differences_here(table: pd.DataFrame, published: Sequence[PublishedDifference]) -> list[DifferenceHere]:
    """Compare the methods of published differences wherever two settings differ in nothing but these.

    Of settings that differ in their budget alone, the largest counts; a dose above 1 makes a setting another method.

    Args:
        table: a tidy table of methods of which all seeds have ended.
    """
    settings = _settings(table)
    found = []
    for difference in published:
        strata = _strata(table, settings.get(difference.better.dataset, []), difference)
        if strata:
            chance, p = better_in_strata(strata)
            losses = np.concatenate([values for pair in strata for values in pair])
            failed = int(np.isnan(losses).sum())
            found.append(DifferenceHere(difference, len(strata), chance, len(losses), failed, p))
    return found


def corrected(found: Sequence[DifferenceHere]) -> list[DifferenceHere]:
    """Correct the p-values of all comparisons for their number."""
    return [replace(each, corrected_p=p) for each, p in zip(found, holm([each.p for each in found]), strict=True)]


def _settings(table: pd.DataFrame) -> dict[str, list[_Setting]]:
    """The settings without an imbalance, by data set."""
    ended = runs(table)
    ended = ended[ended["status"].isin(COUNTED)]
    found: dict[str, list[_Setting]] = {}
    for _, members in ended.groupby("group", observed=True, sort=False):
        first = members.iloc[0]
        if max(parse_dose(str(first["dose"])).values(), default=0) > 1:
            continue
        options = dict(option.split("=", 1) for option in str(first["options"]).split("; ") if "=" in option)
        facts = {name: str(first[name]) for name in ("arch", "protocol")}
        setting = _Setting(str(first["loss"]), options | facts, tuple(members["run"].astype(str)))
        found.setdefault(str(first["dataset"]), []).append(setting)
    return found


def _strata(
    table: pd.DataFrame, settings: Sequence[_Setting], difference: PublishedDifference
) -> list[tuple[Values, Values]]:
    """The losses of the runs of both methods in each setting that is equal for both."""
    pairs: dict[tuple[tuple[str, str], ...], tuple[float, _Setting, _Setting]] = {}
    for one, other in itertools.product(settings, repeat=2):
        if not (_is(one, difference.better) and _is(other, difference.worse)):
            continue
        shared = {name: value for name, value in one.options.items() if other.options.get(name) == value}
        differing = {*one.options, *other.options} - {*shared}
        named = {name for claim in (difference.better, difference.worse) for name in _parts(claim)}
        if not all(name in named or name.startswith("loss.") for name in differing):
            continue
        place = tuple(sorted(item for item in shared.items() if item[0] not in BUDGET))
        steps = float(shared.get("train.steps", 0))
        if place not in pairs or steps > pairs[place][0]:
            pairs[place] = (steps, one, other)
    strata = []
    for _, one, other in pairs.values():
        losses, _ = outcome_losses(table, difference.better.metric, [*one.runs, *other.runs])
        if losses and scored_alike(table, [*one.runs, *other.runs]):
            of_sides = (np.array([losses.get(run, math.nan) for run in side.runs]) for side in (one, other))
            strata.append((next(of_sides), next(of_sides)))
    return strata


def _is(setting: _Setting, claim: Claim) -> bool:
    """Return whether a setting has a claim's method, and no part beside it."""
    wanted = PLAIN | _parts(claim)
    return setting.loss == claim.loss and all(
        accepts([value], setting.options[name]) for name, value in wanted.items() if name in setting.options
    )


def _parts(claim: Claim) -> dict[str, str]:
    """The options of a claim that don't belong to its networks."""
    parts = (option.partition("=") for option in claim.options.split("; ") if option)
    return {name: value for name, _, value in parts if not name.startswith(NETWORKS)}
