"""Published differences between two methods, and whether the same two differ in the same direction in our runs.

A number of another network or budget can't be compared with ours; which of two methods is better, often can.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ganbench.core.annotation import parse_dose
from ganbench.core.formatting import listed, number, percent, percents
from ganbench.core.settings import accepts
from ganbench.results.claims.reproduction import half_width_published
from ganbench.results.claims.table import Claim
from ganbench.results.compare import COUNTED
from ganbench.results.factor_effects import outcome_losses
from ganbench.results.grouping import BUDGET, scored_alike
from ganbench.results.inference import Interval, Tested, Values, as_losses, better_with_probability, corrected
from ganbench.results.inference.factorial import better_in_strata
from ganbench.results.pairs_in_words import failed_in_words, p_in_words
from ganbench.results.verdict_words import mostly_failed, words_of_runs
from ganbench.results.views import final_scores, runs

PLAIN = {"penalty": "none", "wrapper": "none", "train.pac": "1", "train.unrolled": "0", "train.n_generator": "1"}
"""Parts of a method, and their values where there is none: ours has no part that the published one hasn't."""
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
class DifferenceHere(Tested):
    """A published difference in our runs.

    Attributes:
        studies: the studies that have them.
        settings: of each setting in which our runs differ in nothing but what the methods differ in, the probability
            that a run of the method that was published as better is better, and the medians of both.
        chance: that probability averaged over the settings, with its 95 % interval.
        runs, failed: number of runs of either method, and of those without a score, which rank worst.
    """

    published: PublishedDifference
    studies: tuple[str, ...]
    settings: tuple[tuple[float, float, float], ...]
    chance: Interval
    runs: int
    failed: int

    @property
    def outcome(self) -> str:
        """`carries over` or `reverses` if the corrected p is at most 5 %, by the direction; else `undecided`."""
        if not self.significant:
            return "undecided"
        return "carries over" if self.chance.middle > 0.5 else "reverses"

    def sentence(self) -> str:
        """Say how often a run of the method that was published as better is better here, with medians."""
        share, low, high = self.chance
        each = listed([f"{percent(of_setting)} %" for of_setting, _, _ in self.settings])
        settings = f", on average over {len(self.settings)} settings: {each}" if len(self.settings) > 1 else ""
        medians = listed([f"{_shown(one)} against {_shown(other)}" for _, one, other in self.settings])
        return (
            f"a run of {self.published.better.method} is better than one of {self.published.worse.method} in "
            f"{percent(share)} % of pairs ({percents(low, high)}; {p_in_words(self.corrected_p)}{settings}; medians "
            f"{medians}{failed_in_words(self.failed, self.runs)})"
        )


def _shown(value: float) -> str:
    return "–" if math.isnan(value) else number(value)


@dataclass(frozen=True)
class _Setting:
    """The runs of one spec of a study.

    Attributes:
        learns: False if more than half of the runs end as COLLAPSED, NOT LEARNED YET or DIVERGED.
    """

    study: str
    table: pd.DataFrame
    dataset: str
    loss: str
    options: Mapping[str, str]
    runs: tuple[str, ...]
    learns: bool

    def median(self, metric: str) -> float:
        """The median of the final values of a metric, of the runs that have one; NaN if none has."""
        rows = final_scores(self.table)
        rows = rows[(rows["metric"] == metric) & rows["run"].isin(self.runs)].drop_duplicates("run", keep="last")
        return float(rows["value"].astype(float).median())


_Pair = tuple[_Setting, _Setting]


def published_differences(claims: Iterable[Claim], directions: Mapping[str, str]) -> list[PublishedDifference]:
    """Return all pairs of rows of the same table that differ by more than their spreads, where we have both methods.

    Without a spread, any difference counts. Metrics that are best at the value of real data are left out: that value is
    the paper's own. So are rows that differ in their networks only.

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
            methods = [(claim.loss, _parts(claim)) for claim in pair]
            if methods[0] != methods[1] and abs(losses[0] - losses[1]) > chance:
                first, second = np.argsort(losses)
                found.append(PublishedDifference(pair[first], pair[second]))
    return found


def _reach(claim: Claim) -> float:
    """The distance of a published mean from the true one: its whole spread if the paper doesn't say what that is."""
    return half_width_published(claim)[0] or (0.0 if math.isnan(claim.spread) else claim.spread)


def differences_here(
    tables: Mapping[str, pd.DataFrame], published: Sequence[PublishedDifference]
) -> list[DifferenceHere]:
    """Compare the methods of published differences wherever two settings of a study differ in nothing but these.

    Of settings that differ in their budget alone, the largest counts; a dose makes a setting another method. Where
    neither method learns, they differ in how they fail, and that isn't what was published: such settings are left out.

    Args:
        tables: the tidy table of each study, of methods of which all seeds have ended.
    """
    settings = [setting for study, table in tables.items() for setting in _settings(study, table)]
    return corrected([each for each in (_compare(difference, settings) for difference in published) if each])


def _compare(difference: PublishedDifference, settings: Sequence[_Setting]) -> DifferenceHere | None:
    metric = difference.better.metric
    compared, strata, of_settings = list[_Pair](), list[tuple[Values, Values]](), list[tuple[float, float, float]]()
    for pair in _pairs(difference, settings):
        members = [*pair[0].runs, *pair[1].runs]
        losses, _ = outcome_losses(pair[0].table, metric, members)
        if losses and scored_alike(pair[0].table, members) and any(setting.learns for setting in pair):
            one, other = (np.array([losses.get(run, math.nan) for run in setting.runs]) for setting in pair)
            better, worse = (setting.median(metric) for setting in pair)
            compared.append(pair)
            strata.append((one, other))
            of_settings.append((better_with_probability(one, other), better, worse))
    if not compared:
        return None
    chance, p = better_in_strata(strata)
    every = np.concatenate([losses for stratum in strata for losses in stratum])
    studies = tuple(dict.fromkeys(one.study for one, _ in compared))
    failed = int(np.isnan(every).sum())
    return DifferenceHere(difference, studies, tuple(of_settings), chance, len(every), failed, p=p)


def _settings(study: str, table: pd.DataFrame) -> Iterator[_Setting]:
    """The settings of a study that have no dose."""
    ended, words = runs(table), words_of_runs(table)
    ended = ended[ended["status"].isin(COUNTED)]
    for _, members in ended.groupby("group", observed=True, sort=False):
        first = members.iloc[0]
        if all(dose == 1 for dose in parse_dose(str(first["dose"])).values()):
            options = dict(option.split("=", 1) for option in str(first["options"]).split("; ") if "=" in option)
            facts = {name: str(first[name]) for name in ("arch", "protocol")}
            ids = tuple(members["run"].astype(str))
            method = (study, table, str(first["dataset"]), str(first["loss"]), options | facts)
            yield _Setting(*method, ids, not mostly_failed(ids, words))


def _pairs(difference: PublishedDifference, settings: Sequence[_Setting]) -> Iterator[_Pair]:
    """The settings with both methods that differ in nothing else, none of which has a larger budget elsewhere.

    Several candidates for the same method leave it open which of them it is, and are left out.
    """
    better, worse = (PLAIN | _parts(claim) for claim in (difference.better, difference.worse))
    named = {name for name in {*better, *worse} if better.get(name) != worse.get(name)}
    places: dict[tuple[tuple[str, str], ...], dict[tuple[float, str], list[_Pair]]] = {}
    for one, other in itertools.permutations(settings, 2):
        if one.study != other.study or not (_is(one, difference.better) and _is(other, difference.worse)):
            continue
        differing = {
            name for name in {*one.options, *other.options} if one.options.get(name) != other.options.get(name)
        }
        if all(name in named or _of_one_loss(name, one, other) for name in differing):
            place = tuple(sorted(item for item in one.options.items() if item[0] not in {*differing, *BUDGET}))
            budget = float(one.options.get("train.steps", 0))
            places.setdefault(place, {}).setdefault((budget, one.study), []).append((one, other))
    for at_budgets in places.values():
        largest = max(budget for budget, _ in at_budgets)
        pairs = next(pairs for (budget, _), pairs in at_budgets.items() if budget == largest)
        if len(pairs) == 1:
            yield pairs[0]


def _is(setting: _Setting, claim: Claim) -> bool:
    """Return whether a setting has a claim's data and method, and no part beside it."""
    if (setting.dataset, setting.loss) != (claim.dataset, claim.loss):
        return False
    own = _options(claim).get("wrapper", "none")
    wanted = {name: [value] for name, value in (PLAIN | _parts(claim)).items()}
    wanted["wrapper"] += [own] * _is_normalisation(own)
    return all(accepts(values, setting.options[name]) for name, values in wanted.items() if name in setting.options)


def _of_one_loss(name: str, one: _Setting, other: _Setting) -> bool:
    """Return whether an option belongs to one of two losses alone."""
    return name.startswith("loss.") and not (name in one.options and name in other.options)


def _parts(claim: Claim) -> dict[str, str]:
    """The options of a claim that belong to its method, and not to its networks, which may be others here."""
    return {
        name: value
        for name, value in _options(claim).items()
        if not name.startswith("arch.") and not (name == "wrapper" and _is_normalisation(value))
    }


def _is_normalisation(wrapper: str) -> bool:
    return wrapper.startswith("batch-norm")


def _options(claim: Claim) -> dict[str, str]:
    return dict(option.split("=", 1) for option in claim.options.split("; ") if option)
