"""Comparing groups of runs. The unit is the training seed; failed runs stay in the count."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ganbench.core.errors import GanbenchError
from ganbench.core.formatting import number
from ganbench.core.registry import near_miss
from ganbench.results.inference import MIN_SEEDS, as_losses, estimate
from ganbench.results.loading import BUDGETS, SCORED, STATUSES, directions_in, final_scores, runs, varying_options

BY = ("loss", "arch", "options")
HEADLINE = ("fid", "modes", "modes_strict", "hq", "kl")
"""Metrics shown by default, as far as they were measured."""
FLOOR = "real data"
NOT_SCORED = {"protocol": "", "samples": float("nan")}
GROUPABLE = ("loss", "arch", "dataset", "options", "group", "commit", "device")


def headline(table: pd.DataFrame) -> list[str]:
    """Return the metrics to show by default: those of `HEADLINE`, if any was measured, else the first ones."""
    measured = list(dict.fromkeys(table["metric"].astype(str)))
    known = [metric for metric in HEADLINE if metric in measured]
    others = [metric for metric in measured if metric != "sample_count" and "/" not in metric]
    return known or others[: len(HEADLINE)] or list(HEADLINE)


def compare(
    table: pd.DataFrame, by: Sequence[str] = BY, metrics: Sequence[str] | None = None, x: str = "images"
) -> pd.DataFrame:
    """Summarise each group of runs in one row; below them, the floor: real data scored as if they were generated.

    The columns are, in order:

    - those of `by`, then protocol, samples, seeds, finished, collapsed, diverged, stopped, running;
    - medians over the seeds with full scores (finished, or stopped early because they stayed collapsed) of the budget
      `x` (by default, real images seen) and of seconds (of training: a seed's share of its ensemble's time);
    - for each metric, its median, lowest and highest value over those seeds as `METRIC`, `METRIC-low` and
      `METRIC-high`;
    - with six seeds or more, including failed ones (ranked worst), the interquartile mean and its 95 % interval as
      `METRIC-iqm`, `METRIC-ci-low` and `METRIC-ci-high`.

    Missing values are NaN.

    Runs with different options are different groups, and `options` says what differs among groups that are otherwise
    alike; naming other columns in `by` merges them. There is a floor row for each combination of data set, protocol and
    number of samples.

    Raises:
        GanbenchError: there are no runs, a column, budget or metric is unknown, or a group mixes runs that can't be
            compared.
    """
    if table.empty:
        raise GanbenchError("there are no runs to compare: start with `ganbench run`")
    metrics = headline(final_scores(table)) if metrics is None else metrics
    _check(by, GROUPABLE, "runs can't be grouped by")
    _check([x], BUDGETS, "runs can't be set against")
    scores = final_scores(table)
    if not scores.empty:
        _check(metrics, sorted(scores["metric"].unique()), "no run has the metric")
    by = by if "dataset" in by or table["dataset"].nunique() == 1 else ["dataset", *by]
    conditions = conditions_of(scores)
    _check_one_protocol_a_run(scores, conditions)
    each = runs(table).set_index("run", drop=False)
    groups = grouped(table, by).reset_index(drop=True)
    place_of = {run: place for place, members in groups["runs"].items() for run in members}
    shown = scores[scores["metric"].isin(metrics) & scores["status"].isin(SCORED)]
    values = dict(iter(shown.groupby(shown["run"].map(place_of))))
    rows = []
    for place, group in groups.iterrows():
        members = each.loc[group["runs"]]
        finished = members[members["status"].isin(SCORED)]
        own = conditions[conditions.index.isin(finished["run"])].drop_duplicates()
        if len(own) > 1:
            raise GanbenchError(
                f"the group {' · '.join(str(group[column]) for column in by)} mixes protocols, data sets or numbers of "
                f"samples, which can't be compared: add options to --by"
            )
        row: dict[str, object] = {column: group[column] for column in by}
        row |= {"protocol": own["protocol"].iloc[0], "samples": own["samples"].iloc[0]} if len(own) else NOT_SCORED
        row["seeds"] = len(members)
        row |= {status: int((members["status"] == status).sum()) for status in STATUSES}
        row |= {x: finished[x].median(), "seconds": finished["seconds"].median()}
        scored = values.get(place, shown.iloc[:0])
        failed = int((members["status"] == "diverged").sum())
        rows.append(row | _spread(scored, metrics, "value") | _intervals(scored, failed, metrics))
    return pd.concat([pd.DataFrame(rows), _floors(scores, conditions, by, metrics)], ignore_index=True)


def grouped(table: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return one row per group: the columns of `by`, and the ids of its `runs`.

    `options` says what differs among groups that are otherwise alike.
    """
    rows = [
        dict(zip(by, key, strict=True)) | {"runs": members["run"].tolist()}
        for key, members in runs(table).groupby(list(by), sort=True, dropna=False)
    ]
    found = pd.DataFrame(rows)
    return _name_differences(found, [column for column in by if column != "options"]) if "options" in by else found


def group_names(table: pd.DataFrame) -> dict[str, str]:
    """Map each run to its group's name: loss, architecture, and what distinguishes it from other groups of these."""
    each = runs(table)[["run", "loss", "arch", "options"]]
    named = _name_differences(each, ["loss", "arch"])
    parts = zip(*(named[column] for column in ("loss", "arch", "options")), strict=True)
    return {run: " · ".join(filter(None, each)) for run, each in zip(named["run"], parts, strict=True)}


def _check(words: Sequence[str], known: Sequence[str], complaint: str) -> None:
    if not words:
        raise GanbenchError(f"{complaint} nothing: name some of {', '.join(known)}")
    for word in words:
        if word not in known:
            raise GanbenchError(f"{complaint} '{word}': {near_miss(word, known)}")


def conditions_of(scores: pd.DataFrame) -> pd.DataFrame:
    """Return, for each run, what two scores must share to be comparable: data set, protocol and number of samples."""
    counts = scores[scores["metric"] == "sample_count"].set_index("run")
    return (
        counts[["dataset", "protocol", "value"]]
        .astype({"dataset": str, "protocol": str})
        .rename(columns={"value": "samples"})
    )


def _check_one_protocol_a_run(scores: pd.DataFrame, conditions: pd.DataFrame) -> None:
    own = scores["run"].map(conditions["protocol"][~conditions.index.duplicated()])
    odd = scores[own.notna() & (scores["protocol"] != own)]
    if not odd.empty:
        first = odd.iloc[0]
        raise GanbenchError(
            f"the run '{first['run']}' has its {first['metric']} under the protocol '{first['protocol']}', "
            f"and its number of samples under '{own[odd.index[0]]}'"
        )


def _floors(scores: pd.DataFrame, conditions: pd.DataFrame, by: Sequence[str], metrics: Sequence[str]) -> pd.DataFrame:
    kinds = conditions.drop_duplicates()
    rows = []
    for _, kind in kinds.iterrows():
        alike = conditions[(conditions == kind).all(axis=1)].index
        name = FLOOR if len(kinds) == 1 else f"{FLOOR}: {kind['dataset']}, {kind['samples']:,.0f} samples"
        row = dict.fromkeys(by, "") | {by[0]: name, "protocol": kind["protocol"], "samples": kind["samples"]}
        rows.append(row | _spread(scores[scores["run"].isin(alike)], metrics, "floor"))
    return pd.DataFrame(rows) if rows else pd.DataFrame([dict.fromkeys(by, "") | {by[0]: FLOOR} | NOT_SCORED])


def _spread(scores: pd.DataFrame, metrics: Sequence[str], column: str) -> dict[str, object]:
    spread: dict[str, object] = {}
    for metric in metrics:
        values = scores.loc[scores["metric"] == metric, column].dropna()
        spread |= {metric: values.median(), f"{metric}-low": values.min(), f"{metric}-high": values.max()}
    return spread


def _intervals(scores: pd.DataFrame, failed: int, metrics: Sequence[str]) -> dict[str, object]:
    """Interquartile means with 95 % intervals, for metrics with a direction (lower or higher is better).

    Failed seeds rank worst.
    """
    found: dict[str, object] = {}
    better = directions_in(scores)
    for metric in metrics:
        middle, low, high = math.nan, math.nan, math.nan
        direction = better.get(metric)
        values = scores.loc[scores["metric"] == metric, "value"].dropna()
        if direction in ("lower", "higher") and len(values) + failed >= MIN_SEEDS:
            losses = np.append(as_losses(values.to_numpy(dtype=float), direction), [math.nan] * failed)
            known = estimate(losses)
            middle, low, high = known.middle, known.low, known.high
            if direction == "higher":
                middle, low, high = -middle, -high, -low
        found |= {f"{metric}-iqm": middle, f"{metric}-ci-low": low, f"{metric}-ci-high": high}
    return found


def _name_differences(compared: pd.DataFrame, others: Sequence[str]) -> pd.DataFrame:
    """Reduce `options` to what differs among rows that are otherwise alike, without what most kinds of runs share."""
    each = compared[[*others, "options"]].drop_duplicates()["options"]
    kinds = [set(text.split("; ")) for text in each]
    held = Counter(part for kind in kinds for part in kind)
    usual = {part for part, count in held.items() if 2 * count > len(kinds)}
    parts = []
    for _, alike in compared.groupby(list(others), sort=False, dropna=False) if others else [("", compared)]:
        differing = varying_options(alike["options"].tolist())
        shorter = ["; ".join(part for part in text.split("; ") if part not in usual) for text in differing]
        telling = len(set(shorter)) == len(set(differing))
        parts.append(alike.assign(options=shorter if telling else differing))
    return pd.concat(parts)


def with_range(row: pd.Series, metric: str) -> str:
    """Format the interquartile mean and its interval if there is one, else `median [lowest – highest]`.

    Without a spread it is a single number.
    """
    suffixes = ("-iqm", "-ci-low", "-ci-high") if not pd.isna(row.get(f"{metric}-iqm")) else ("", "-low", "-high")
    middle, low, high = (number(row[f"{metric}{suffix}"]) for suffix in suffixes)
    return middle if low == high else f"{middle} [{low} – {high}]"
