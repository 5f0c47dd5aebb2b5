"""Views of a tidy table: its scores, its runs, and facts about them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ganbench.core.errors import GanbenchError
from ganbench.core.mode_words import CLUSTERS, MODES
from ganbench.core.registry import near_miss
from ganbench.core.settings import UNSET, accepts
from ganbench.results.table import FACTS, MODE_WORD
from ganbench.tracking.metric_names import BESIDE, MODE

WORDS = ("loss", "arch", "dataset", "protocol", "seed", "status", "run", "group", "commit", "device")
"""Columns by which runs can be filtered."""
STATUSES = ("finished", "collapsed", "diverged", "stopped", "running")
SCORED = ("finished", "collapsed")
"""Statuses of runs with full scores: measured at the end, or when the run was stopped early as collapsed."""
GOOD = "hq"
"""The metric of the share of good samples, which stands beside others: blur can be even, and repeat nothing."""
BUDGETS = ("images", "step", "critic_steps", "generator_steps", "critic_evaluations", "seconds")
"""Budgets that scores can be compared at."""


def filter_runs(table: pd.DataFrame, conditions: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return the rows of runs that meet all conditions.

    A condition lists the accepted values of a column or of an option of the spec.

    Raises:
        GanbenchError: no run has such an option, or no run meets the conditions.
    """
    for option, words in conditions.items():
        if option in WORDS:
            values = table[option].astype(str)
        else:
            values = table["options"].str.extract(rf"(?:^|; ){re.escape(option)}=([^;]*)(?:; |$)", expand=False)
            if values.isna().all():
                known = {part.partition("=")[0] for text in table["options"].unique() for part in text.split("; ")}
                raise GanbenchError(f"where: no run has an option '{option}': {near_miss(option, {*known, *WORDS})}")
            values = values.fillna(UNSET)
        accepted = [value for value in values.unique() if accepts(words, value)]
        remaining = table[values.isin(accepted)]
        if remaining.empty:
            known_values = ", ".join(sorted(values.unique())[:12])
            raise GanbenchError(f"where: no run has {option} = {' or '.join(words)}; there is {known_values}")
        table = remaining
    return table


def final_scores(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of full scores, from all samples at the end of a run: the protocol's, and extra ones."""
    return table[table["kind"].isin(("final", "extra"))]


def quick_scores(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of intermediate scores, computed from fewer samples during training."""
    return table[table["kind"] == "quick"]


def events(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the collapse detector's events."""
    return table[table["kind"] == "event"]


def mode_counts(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with each run's count of modes, by the metric that its protocol names for that."""
    counting = scores["mode_count"].astype(object)
    return scores[(scores["metric"].astype(object) == counting) & (counting != "")]


def headline(scores: pd.DataFrame) -> list[str]:
    """Return the most important metrics of the runs' protocols, in their order, as far as they were measured.

    A metric that is undefined on the data set, such as one within modes that have few real images, has no value of any
    run, nor of real data.
    """
    measured = set(scores.loc[scores["value"].notna() | scores["floor"].notna(), "metric"].unique())
    named = [metric for words in scores["headline"].unique() for metric in words.split(",")]
    return [metric for metric in dict.fromkeys(named) if metric in measured]


def headline_without_counts(scores: pd.DataFrame) -> list[str]:
    """Return the headline metrics without counts of modes: those with the same best value as the mode count."""
    bests = set(mode_counts(scores)["ceiling"].dropna())
    shown = scores[scores["metric"].isin(headline(scores))]
    counting = {*mode_counts(scores)["metric"], *shown.loc[shown["ceiling"].isin(bests), "metric"]}
    return [metric for metric in headline(scores) if metric not in counting]


def facts_of(scores: pd.DataFrame, fact: str) -> dict[str, str]:
    """Return the `direction`, `label` or `scale` of each metric of some rows, in alphabetical order."""
    known = scores.loc[scores["direction"] != "", ["metric", fact]].drop_duplicates("metric")
    return dict(sorted(zip(known["metric"].astype(str), known[fact].astype(str), strict=True)))


def runs(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per run, without metrics: the budget it used, its training time, and its status."""
    codes, _ = pd.factorize(table["run"])
    order = np.lexsort(
        (table["step"].to_numpy(), codes)
    )  # stable: of several rows at the last step, the last one counts
    ends = np.flatnonzero(np.diff(codes[order], append=len(codes)))
    last = table.iloc[order[ends]].drop(columns=["kind", "selection", "metric", "value", *BESIDE, *FACTS])
    # Not every row has the time.
    seconds = table["seconds"].groupby(codes).max().to_numpy()
    return last.assign(seconds=seconds).reset_index(drop=True)


def noun_of(table: pd.DataFrame) -> str:
    """Return the plural noun for modes: clusters, if they are that in all runs."""
    return CLUSTERS if (table[MODE_WORD] == CLUSTERS).all() and len(table) else MODES


def mode_shares(scores: pd.DataFrame, prefix: str = MODE) -> dict[str, float]:
    """Return each mode's share, from the rows of one run at one step.

    Args:
        prefix: `MODE` for the shares of all samples, `GOOD` for those of good ones.
    """
    rows = scores[scores["metric"].str.startswith(prefix)]
    shares = dict(zip(rows["metric"].str.removeprefix(prefix), rows["value"], strict=True))
    return {name: shares[name] for name in sorted(shares, key=by_number)}


def by_number(mode: str) -> tuple[int, str]:
    """Sort key for modes: numbers in numerical order; other names keep their order."""
    return (len(mode), mode) if mode.isdecimal() else (0, "")
