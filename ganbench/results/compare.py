"""Comparing groups of runs. The unit is the training seed; failed runs stay in the count."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ganbench.core.errors import GanbenchError
from ganbench.core.mode_words import MODES, with_noun, without_noun
from ganbench.core.registry import near_miss
from ganbench.results.grouping import BY, CONDITIONS, conditions_of, grouped, name_and_dose, named_groups
from ganbench.results.inference import MIN_SEEDS, as_losses, estimate
from ganbench.results.ranking import Method, Ranking, Setting, rank
from ganbench.results.verdict_words import format_words, words_of_runs
from ganbench.results.views import BUDGETS, SCORED, STATUSES, facts_of, final_scores, headline, noun_of, runs

COUNTED = (*SCORED, "diverged")
"""Statuses of seeds that count; other seeds have not ended yet."""
GROUPABLE = ("loss", "arch", "dataset", "protocol", "options", "group", "commit", "device", "name", "dose")
RESERVED = {*GROUPABLE, "method", *CONDITIONS, "seeds", "verdict", *STATUSES, *BUDGETS}
"""Columns of a comparison that are no metrics."""
NO_SETTING: dict[str, object] = {"protocol": "", "selection": "", "samples": math.nan}


@dataclass(frozen=True)
class Comparison:
    """Groups of runs, summarised and ranked.

    Attributes:
        groups: one row per group. Its columns are `method`, the group's name in the rankings; the `name` and `dose` of
            its experiment file, if any; those of `by`; protocol, selection, samples; seeds, and their number by status;
            `verdict`, the words of their verdicts, counted; the medians over the seeds with full scores of the budget
            `x` and of seconds (of training: a seed's share of its ensemble's time); and for each metric its median,
            lowest and highest value over those seeds as `METRIC`, `METRIC_low` and `METRIC_high`, and with five seeds
            or more, including failed ones (ranked worst), the interquartile mean and its 95 % interval as `METRIC_iqm`,
            `METRIC_ci_low` and `METRIC_ci_high`. Missing values are NaN.
        floors: one row per setting (data set, protocol, selection and number of samples): the scores of real data
            treated as generated, as `METRIC`, `METRIC_low` and `METRIC_high`, and its deviation as `METRIC_sd`.
        rankings: the groups of each setting ranked by each metric with a direction.
        labels: the label of each metric.
        scales: the scale of each metric, as in `ganbench.tracking.metric_facts.MetricFacts`.
        extra: metrics that are outside the protocol.
        noun: the plural noun for modes, where it is one for all runs.
    """

    groups: pd.DataFrame
    floors: pd.DataFrame
    rankings: tuple[Ranking, ...]
    by: tuple[str, ...]
    metrics: tuple[str, ...]
    x: str
    labels: Mapping[str, str]
    scales: Mapping[str, str]
    extra: frozenset[str]
    noun: str = MODES

    def heading(self, metric: str) -> str:
        """A metric as it is called where people read."""
        return with_noun(metric, self.noun)

    def floor_of(self, group: pd.Series) -> pd.Series:
        """Return the row of real data that was scored like a group."""
        alike = np.logical_and.reduce([self.floors[name] == group[name] for name in CONDITIONS if name in group])
        rows = self.floors[alike]
        return rows.iloc[0] if len(rows) else pd.Series(math.nan, index=rows.columns)


def compare(
    table: pd.DataFrame, by: Sequence[str] = BY, metrics: Sequence[str] | None = None, x: str = "images"
) -> Comparison:
    """Compare the groups of a table of results, as `load_results` returns it, or of part of one.

    Runs with different options are different groups, and `options` says what differs among groups that are otherwise
    alike; naming other columns in `by` merges them.

    Args:
        table: the table, with a row per number.
        by: the columns that define a group.
        metrics: the metrics to compare by; by default the headline of the runs' protocols.
        x: the budget to show.

    Raises:
        GanbenchError: there are no runs, a column, budget or metric is unknown, or a group mixes runs that can't be
            compared.
    """
    for option, given in (("by", by), ("metrics", metrics)):
        if isinstance(given, str):
            raise GanbenchError(f"{option} is a list of names: write ['{given}']")
    if table.empty:
        raise GanbenchError("there are no runs to compare: start with `ganbench run`")
    scores = final_scores(table)
    metrics = headline(scores) if metrics is None else list(metrics)
    _check(by, GROUPABLE, "runs can't be grouped by")
    _check([x], BUDGETS, "runs can't be set against")
    if not scores.empty and metrics:
        known = sorted(scores["metric"].unique())
        metrics = list(dict.fromkeys(without_noun(metric, known) for metric in metrics))
        for metric in metrics:
            if metric not in known:
                hint = f"`ganbench rescore --metric {metric}` measures what the protocol didn't"
                raise GanbenchError(f"no run has the metric '{metric}': {near_miss(metric, known)} ({hint})")
    for metric in metrics:
        if metric in RESERVED:
            raise GanbenchError(f"a metric can't be compared under the name of a column: rename '{metric}'")
    by = by if "dataset" in by or table["dataset"].nunique() == 1 else ["dataset", *by]
    conditions = conditions_of(scores)
    shown = scores[scores["metric"].isin(metrics) & scores["status"].isin(SCORED)]
    floors = _floors(scores, conditions, metrics)
    floors_of = {
        Setting(*row[:4]): dict(zip(floors.columns, row, strict=True)) for row in floors.itertuples(index=False)
    }
    directions = facts_of(scores, "direction")
    names = {run: name for name, members in named_groups(table, by) for run in members}
    groups = grouped(table, by).reset_index(drop=True)
    place_of = {run: place for place, members in groups["runs"].items() for run in members}
    scores_of = dict(iter(shown.groupby(shown["run"].map(place_of))))
    all_runs = runs(table).set_index("run", drop=False)
    words = words_of_runs(table)
    noun = noun_of(table)
    rows, methods = [], []
    for place, (_, group) in enumerate(groups.iterrows()):
        members = all_runs.loc[group["runs"]]
        setting = _setting_of(members, conditions, " · ".join(str(group[column]) for column in by))
        group_scores = scores_of.get(place, shown.iloc[:0])
        floor = floors_of[setting] if setting is not None else {}
        counted = members[members["status"].isin(COUNTED)]
        seeds = _distinct_seeds(counted, place * len(all_runs))
        losses: dict[str, dict[int, float]] = {}
        for metric in directions.keys() & set(metrics):
            values = _losses(counted, group_scores, metric, directions[metric], floor.get(metric, math.nan))
            if values is not None:
                losses[metric] = dict(zip(seeds, values, strict=True))
        estimates = {metric: estimate(np.array(list(values.values()))) for metric, values in losses.items()}
        verdicts = Counter(words[run] for run in group["runs"] if run in words)
        method = Method(names[group["runs"][0]], setting, losses, estimates, verdicts)
        methods.append(method)
        rows.append(
            {"method": method.name}
            | dict(zip(("name", "dose"), name_and_dose(members), strict=True))
            | {column: group[column] for column in by}
            | {
                name: NO_SETTING[name] if setting is None else getattr(setting, name)
                for name in NO_SETTING
                if name not in by
            }
            | {"seeds": len(members)}
            | {status: int((members["status"] == status).sum()) for status in STATUSES}
            | {"verdict": format_words(verdicts)}
            | {
                name: members.loc[members["status"].isin(SCORED), name].median()
                for name in dict.fromkeys((x, "seconds"))
            }
            | _spread(group_scores, metrics, "value")
            | _intervals(method, metrics, directions)
        )
    return Comparison(
        groups=pd.DataFrame(rows),
        floors=floors,
        rankings=tuple(rank(methods, metrics, directions, floors_of, noun)),
        by=tuple(by),
        metrics=tuple(metrics),
        x=x,
        labels=facts_of(scores, "label"),
        scales=facts_of(scores, "scale"),
        extra=frozenset(scores.loc[scores["kind"] == "extra", "metric"].unique()),
        noun=noun,
    )


def _check(words: Sequence[str], known: Sequence[str], complaint: str) -> None:
    if not words:
        raise GanbenchError(f"{complaint} nothing: name some of {', '.join(known)}")
    for word in words:
        if word not in known:
            raise GanbenchError(f"{complaint} '{word}': {near_miss(word, known)}")


def _setting_of(members: pd.DataFrame, conditions: pd.DataFrame, name: str) -> Setting | None:
    """The setting under which a group was scored; None if none of its seeds was, and others don't tell it.

    A method without any scored seed has failed under the setting of the others, if its data set and protocol have one.

    Raises:
        GanbenchError: there are several.
    """
    scored = members.loc[members["status"].isin(SCORED), "run"]
    settings = conditions[conditions.index.isin(scored)].drop_duplicates()
    if len(settings) > 1:
        raise GanbenchError(
            f"the group {name} mixes protocols, data sets or numbers of samples, which can't be compared: "
            f"group by protocol as well, or by options"
        )
    if settings.empty and (members["status"] == "diverged").any():
        alike = (conditions["dataset"] == members["dataset"].iloc[0]) & (
            conditions["protocol"] == members["protocol"].iloc[0]
        )
        settings = conditions[alike].drop_duplicates()
    return Setting(*settings.iloc[0]) if len(settings) == 1 else None


def _floors(scores: pd.DataFrame, conditions: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    rows = []
    for setting, alike in conditions.groupby(list(CONDITIONS), sort=True):
        alike_scores = scores[scores["run"].isin(alike.index)]
        rows.append(dict(zip(CONDITIONS, setting, strict=True)) | _floors_of_setting(alike_scores, metrics))
    return pd.DataFrame(rows, columns=None if rows else [*CONDITIONS, *_floors_of_setting(scores, metrics)])


def _floors_of_setting(scores: pd.DataFrame, metrics: Sequence[str]) -> dict[str, object]:
    deviations = {f"{metric}_sd": scores.loc[scores["metric"] == metric, "floor_sd"].median() for metric in metrics}
    return _spread(scores, metrics, "floor") | deviations


def _distinct_seeds(members: pd.DataFrame, before: int) -> list[int]:
    """The seeds of runs; numbers of no seed, from −1 − `before` down, where groups were merged: they pair with none."""
    if members["seed"].is_unique:
        return [int(seed) for seed in members["seed"]]
    return [-(before + number + 1) for number in range(len(members))]


def _losses(
    counted: pd.DataFrame, scores: pd.DataFrame, metric: str, direction: str, target: float
) -> list[float] | None:
    """The loss of each seed, NaN for a failed one; None if they can't be known.

    That is so if the metric was measured for some of the scored seeds only, or if real data have no score to compare
    with.
    """
    rows = scores[scores["metric"] == metric]
    values = dict(zip(rows["run"].tolist(), rows["value"].tolist(), strict=True))
    runs_counted, statuses = counted["run"].tolist(), counted["status"].tolist()
    unmeasured = [
        run for run, status in zip(runs_counted, statuses, strict=True) if status in SCORED and run not in values
    ]
    if not runs_counted or unmeasured or (direction == "real" and math.isnan(target)):
        return None
    numbers = np.array([values.get(run, math.nan) for run in runs_counted])
    losses: list[float] = as_losses(numbers, direction, target).tolist()
    return losses


def _spread(scores: pd.DataFrame, metrics: Sequence[str], column: str) -> dict[str, object]:
    spread: dict[str, object] = {}
    for metric in metrics:
        values = scores.loc[scores["metric"] == metric, column].dropna()
        spread |= {metric: values.median(), f"{metric}_low": values.min(), f"{metric}_high": values.max()}
    return spread


def _intervals(method: Method, metrics: Sequence[str], directions: Mapping[str, str]) -> dict[str, object]:
    """Interquartile means with 95 % intervals, of metrics of which lower or higher values are better."""
    intervals: dict[str, object] = {}
    for metric in metrics:
        middle, low, high = math.nan, math.nan, math.nan
        known = method.estimates.get(metric)
        if known is not None and known.seeds >= MIN_SEEDS and directions[metric] in ("lower", "higher"):
            middle, low, high = known.middle, known.low, known.high
            if directions[metric] == "higher":
                middle, low, high = -middle, -high, -low
        intervals |= {f"{metric}_iqm": middle, f"{metric}_ci_low": low, f"{metric}_ci_high": high}
    return intervals
