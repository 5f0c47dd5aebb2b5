"""Results of earlier versions: what they didn't track is filled in, so that old stores and CSV files open.

Facts about metrics were not tracked; `earlier.json` has them for the metrics of that time. Methods had no names, and
experiments no outcomes fixed in advance. A CSV file had the kind of a number at the end of its protocol
(`ganbench-1 v1/quick`) or in its place (`train`, `events`), and hyphens in names.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ganbench.results.categories import categorical
from ganbench.tracking.annotations import ANNOTATION_TAGS
from ganbench.tracking.metric_facts import MetricFacts, RunMetrics
from ganbench.tracking.metric_names import GOOD, MODE, OLD_SD, SAMPLE_COUNT

QUICK, TRAIN, EVENTS = "/quick", "train", "events"


@cache
def earlier_metrics() -> RunMetrics:
    """The metrics of earlier versions. A run's headline is the part of this one that it measured."""
    content = _content()
    facts = {name: MetricFacts(*values) for name, values in content["facts"].items()}
    return RunMetrics(facts, tuple(content["headline"]))


def headline_of(measured: Iterable[str]) -> str:
    """Return the headline of an earlier run, separated by commas, from the metrics that it measured."""
    there = list(dict.fromkeys(measured))
    known = [metric for metric in earlier_metrics().headline if metric in there]
    return ",".join(known or there[: len(earlier_metrics().headline)])


def mode_count_of(measured: Iterable[str]) -> str:
    """Return the metric that counts the modes of an earlier run: the strict count, if its protocol had one."""
    there = set(measured)
    return next((metric for metric in _content()["mode_counts"] if metric in there), "")


def has_even_modes(dataset: str) -> bool:
    """Return whether the modes of a data set are (nearly) equally likely; earlier runs didn't track their shares."""
    return dataset in _content()["even_modes"]


def fill_facts_of_runs(table: pd.DataFrame) -> pd.DataFrame:
    """Fill in the headline and the mode count of runs that have scores but neither."""
    bare = table[(table["headline"] == "") & (table["direction"] != "") & table["kind"].isin(("final", "quick"))]
    if bare.empty:
        return table
    measured = bare[["protocol", "dataset", "metric"]].drop_duplicates().astype(str)
    metrics_of = {setting: list(metrics) for setting, metrics in measured.groupby(["protocol", "dataset"])["metric"]}
    keys = [pd.Categorical(table[column]) for column in ("protocol", "dataset", "headline", "mode_count")]
    sizes = tuple(len(key.categories) for key in keys)
    codes, distinct = pd.factorize(np.ravel_multi_index([key.codes for key in keys], sizes))
    words: dict[str, list[str]] = {"headline": [], "mode_count": []}
    for places in zip(*np.unravel_index(distinct, sizes), strict=True):
        protocol, dataset, headline, mode_count = (
            str(key.categories[at]) for key, at in zip(keys, places, strict=True)
        )
        metrics = metrics_of.get((protocol, dataset)) if headline == "" else None
        words["headline"].append(headline if metrics is None else headline_of(metrics))
        words["mode_count"].append(mode_count if metrics is None else mode_count_of(metrics))
    return table.assign(**{column: categorical(codes, own) for column, own in words.items()})


def upgrade_csv(table: pd.DataFrame) -> pd.DataFrame:
    """Give a table of text, as read from a CSV file of an earlier version, today's columns and names."""
    later = {*ANNOTATION_TAGS, "torch", "ensemble", "resumed_with", "mode_word"}
    table = table.assign(**dict.fromkeys(later - set(table.columns), ""))
    table = table if "kind" in table.columns else _with_kinds(table)
    return table if "floor_sd" in table.columns else _with_floor_sds(table)


def _with_floor_sds(table: pd.DataFrame) -> pd.DataFrame:
    """Move the deviations of the verdict's floors from rows of their own into a column."""
    metric = table["metric"].fillna("")
    deviations = (table["kind"] == "verdict") & metric.str.endswith(OLD_SD)
    key = ["run", "kind", "metric", "step"]
    beside = table.loc[deviations, [*key, "value"]].rename(columns={"value": "floor_sd"})
    beside["metric"] = beside["metric"].str.removesuffix(OLD_SD)
    return table[~deviations].reset_index(drop=True).merge(beside, on=key, how="left")


def _with_kinds(table: pd.DataFrame) -> pd.DataFrame:
    """Give a table without kinds the columns that it lacks, and today's names."""
    protocol, metric = table["protocol"].fillna(""), table["metric"].fillna("")
    quick, train, events = protocol.str.endswith(QUICK), protocol == TRAIN, protocol == EVENTS
    kind = np.select([metric == "", quick, train, events], ["", "quick", "train", "event"], "final")
    run_protocol = protocol.where(~(train | events), "").str.removesuffix(QUICK)
    shares = metric.str.startswith((MODE, GOOD))
    table = table.assign(
        kind=kind,
        selection=np.where(kind == "final", "last", ""),
        # Rows of training and of events didn't name the run's protocol.
        protocol=run_protocol.groupby(table["run"].fillna("")).transform("max"),
        metric=metric.where(events | shares, metric.str.replace("-", "_")),
    )
    scored = table["kind"].isin(("final", "quick")) & ~shares & (table["metric"] != SAMPLE_COUNT)
    for column in ("direction", "label", "scale"):
        known = {name: getattr(facts, column) for name, facts in earlier_metrics().facts.items()}
        filled: pd.Series[Any] = table["metric"].map(known).fillna("").where(scored, "")
        table[column] = table[column].fillna("") if column in table.columns else filled
    # A file may have had directions of a plug-in's metrics, but no labels yet.
    unlabelled = (table["direction"] != "") & (table["label"] == "")
    table["label"] = table["label"].mask(unlabelled, table["metric"].str.replace("_", " "))
    table["scale"] = table["scale"].mask(unlabelled, "linear")
    return table.assign(headline="", mode_count="")


@cache
def _content() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return content
