"""Comparing groups of runs. The unit is the training seed; failed runs stay in the count."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ganbench.errors import GanbenchError
from ganbench.registry import near_miss
from ganbench.results import STATUSES, final_scores, runs, varying_options

BY = ("loss", "arch", "options")
METRICS = ("fid", "modes", "modes-strict", "kl")
FLOOR = "real data"


def compare(table: pd.DataFrame, by: Sequence[str] = BY, metrics: Sequence[str] = METRICS) -> pd.DataFrame:
    """One row a group, and a last row with the floor (real data scored as if it were generated).

    Columns: those of `by`, then seeds, finished, diverged, stopped, running, images (real images the critic saw,
    median over seeds), seconds (of training, median), and for each metric its median, lowest and highest value over the
    finished seeds as `METRIC`, `METRIC-low` and `METRIC-high`. A group without a finished seed has NaN there.

    Runs with different options are different groups, and `options` says what differs among groups that are otherwise
    alike; naming other columns in `by` puts them together.

    Raises:
        GanbenchError: no runs, an unknown column or metric, or groups that mix data sets or protocols.
    """
    if table.empty:
        raise GanbenchError("there are no runs to compare: start with `ganbench run`")
    scores = final_scores(table)
    known = sorted(scores["metric"].unique())
    for metric in metrics:
        if known and metric not in known:
            raise GanbenchError(f"no run has the metric '{metric}': {near_miss(metric, known)}")
    groupable = ("loss", "arch", "dataset", "options", "group", "commit", "device")
    for column in by:
        if column not in groupable:
            raise GanbenchError(f"runs can't be grouped by '{column}': {near_miss(column, groupable)}")
    each = runs(table)
    if each["dataset"].nunique() > 1 and "dataset" not in by:
        by = ["dataset", *by]
    rows = []
    for key, members in each.groupby(list(by), sort=True, dropna=False):
        row: dict[str, object] = dict(zip(by, key, strict=True))
        row["seeds"] = len(members)
        row |= {status: int((members["status"] == status).sum()) for status in STATUSES}
        row |= {"images": members["images"].median(), "seconds": members["seconds"].median()}
        own = scores[scores["run"].isin(members["run"]) & (scores["status"] == "finished")]
        row |= _spread(own, metrics, "value")
        rows.append(row)
    compared = pd.DataFrame(rows)
    if "options" in by:
        compared = _name_differences(compared, [column for column in by if column != "options"])
    floor = dict.fromkeys(by, "") | {by[0]: FLOOR} | _spread(scores, metrics, "floor")
    return pd.concat([compared, pd.DataFrame([floor])], ignore_index=True)


def _spread(scores: pd.DataFrame, metrics: Sequence[str], column: str) -> dict[str, object]:
    spread: dict[str, object] = {}
    for metric in metrics:
        values = scores.loc[scores["metric"] == metric, column].dropna()
        spread |= {metric: values.median(), f"{metric}-low": values.min(), f"{metric}-high": values.max()}
    return spread


def _name_differences(compared: pd.DataFrame, others: Sequence[str]) -> pd.DataFrame:
    parts = []
    for _, alike in compared.groupby(list(others), sort=False, dropna=False) if others else [("", compared)]:
        parts.append(alike.assign(options=varying_options(alike["options"].tolist())))
    return pd.concat(parts)


def number(value: float, digits: int = 3) -> str:
    """A number for people: three significant digits, no exponent, a dash where there is none."""
    if pd.isna(value):
        return "–"
    if value == 0 or abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    text = f"{value:.{digits}g}"
    return f"{value:.5f}" if "e" in text else text


def with_range(row: pd.Series, metric: str) -> str:
    """`median [low – high]`, or the median alone where there is no spread."""
    middle, low, high = (number(row[name]) for name in (metric, f"{metric}-low", f"{metric}-high"))
    return middle if low == high else f"{middle} [{low} – {high}]"
