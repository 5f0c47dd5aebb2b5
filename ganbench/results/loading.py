"""Results: a tidy table read from MLflow or a CSV file, with its sample grids, and views of the table."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from ganbench.core.errors import GanbenchError
from ganbench.core.registry import near_miss
from ganbench.results.table import COLUMNS, EVENTS, HEAD, QUICK, TRAIN, WORD_COLUMNS, own_directions, tidy, typed
from ganbench.tracking.mlflow.reading import read_images, read_runs
from ganbench.tracking.store import Store

WORDS = ("loss", "arch", "dataset", "seed", "status", "run", "group", "commit", "device")
"""Columns by which runs can be filtered."""
STATUSES = ("finished", "collapsed", "diverged", "stopped", "running")

ONCE = ("options", "group", "commit", "device")
"""Columns that a CSV file fills only in the first row of a run: they are long, and equal in all of its rows."""
OF_A_RUN = HEAD[1:]
"""Columns with the same value in all rows of a run."""
BUDGETS = ("images", "step", "critic_steps", "generator_steps", "critic_evaluations", "seconds")
"""Budgets that scores can be compared at."""
SCORED = ("finished", "collapsed")
"""Statuses of runs with full scores: measured at the end, or when the run was stopped early as collapsed."""

Pictures = Mapping[str, Mapping[int, bytes]]
"""Sample grids by run id and step, as PNG or WebP."""


@dataclass(frozen=True)
class Results:
    """A tidy table and a source of sample grids.

    Attributes:
        pictures: called with run ids and a maximum, returns at most that many grids of each run, evenly spread over its
            steps.
    """

    table: pd.DataFrame
    pictures: Callable[[Collection[str], int], Pictures] = lambda runs, most: {}


def load_results(
    store: Store, experiment: str, *, history: bool = False, metrics: Collection[str] | None = None
) -> Results:
    """Read an experiment: the last value of each metric or, with `history`, the values at every step.

    Args:
        metrics: the metrics needed; others may be left out, which saves time.
    """
    wanted = None if metrics is None else _tracked_names([*metrics, "sample_count"])
    records = read_runs(store, experiment, history=history, metrics=wanted)
    return Results(tidy(records), partial(read_images, store, experiment, "samples"))


def load_pair(store: Store, first: str, second: str) -> pd.DataFrame:
    """Read two runs with their history, from any experiments, by id or unique prefix.

    Raises:
        GanbenchError: one of them doesn't exist, or its prefix is ambiguous.
    """
    from ganbench.tracking.mlflow.client import find_run  # MLflow takes a second to import

    records = [find_run(store, run)[1] for run in (first, second)]
    return tidy(records)


def _tracked_names(metrics: Collection[str]) -> set[str]:
    """The tracked names of metrics: final and intermediate values, floor, ceiling, and training time."""
    kinds = [f"{when}{bound}" for when in ("", "quick/") for bound in ("", "floor/", "ceiling/")]
    return {f"{kind}{metric}" for kind in kinds for metric in metrics} | {"train/seconds"}


def read_csv(path: Path) -> Results:
    """Read a tidy table written by `write_csv`.

    Raises:
        GanbenchError: the file can't be read, or isn't such a table.
    """
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys(WORD_COLUMNS, str))
    except (OSError, ValueError) as error:  # a malformed CSV raises a subclass of ValueError
        raise GanbenchError(f"results '{path}' can't be read: {error}") from error
    missing = [column for column in COLUMNS if column not in (*table.columns, "direction")]
    if missing:
        raise GanbenchError(
            f"results '{path}' lack the columns {', '.join(missing)}: write them with `ganbench report`"
        )
    if "direction" not in table.columns:
        table["direction"] = own_directions(table)
    table[WORD_COLUMNS] = table[WORD_COLUMNS].fillna("")
    for column in ONCE:
        # Whatever the order of rows, the maximum is the filled-in value, since "" sorts before any word.
        known = table.groupby("run")[column].transform("max")
        table[column] = table[column].mask(table[column] == "", known)
    headless = table[(table["run"] != "") & (table["group"] == "")]
    if not headless.empty:
        raise GanbenchError(
            f"results '{path}', line {headless.index[0] + 2}: of the run '{headless['run'].iloc[0]}' the row is "
            f"missing that says {', '.join(ONCE)}"
        )
    try:
        table = typed(table[COLUMNS])
    except (ValueError, TypeError) as error:
        raise GanbenchError(f"results '{path}' hold a value of the wrong type: {error}") from error
    strange = sorted(set(table["status"]) - set(STATUSES))
    if strange:
        raise GanbenchError(f"results '{path}' have the unknown status '{strange[0]}'")
    nameless = table[(table["run"] == "") | ((table["metric"] != "") & (table["protocol"] == ""))]
    if not nameless.empty:
        # The first row is line 2 of the file.
        raise GanbenchError(f"results '{path}', line {nameless.index[0] + 2}: a number without its run or its protocol")
    each = table[["run", *OF_A_RUN]].drop_duplicates()
    torn = each[each["run"].duplicated()]
    if not torn.empty:
        raise GanbenchError(
            f"results '{path}', line {torn.index[0] + 2}: the run '{torn['run'].iloc[0]}' is another one than above "
            f"({', '.join(OF_A_RUN)} must be the same in all of its rows)"
        )
    return Results(table)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a tidy table: floats with all their digits, and the columns of `ONCE` only in a run's first row."""
    import pyarrow.csv  # several times faster than pandas'; training needs neither

    again = table["run"].duplicated()
    once = {column: table[column].astype(object).mask(again, "") for column in ONCE}
    pyarrow.csv.write_csv(pyarrow.Table.from_pandas(table.assign(**once), preserve_index=False), path)


def final_scores(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of full scores: those computed from the protocol's full number of samples at the end of a run."""
    return table[
        ~table["protocol"].str.endswith(QUICK) & ~table["protocol"].isin((TRAIN, EVENTS)) & (table["metric"] != "")
    ]


def filter_runs(table: pd.DataFrame, conditions: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return the rows of runs that meet all conditions.

    A condition lists the accepted values of a column or of an option of the spec.

    Raises:
        GanbenchError: no run has such an option, or no run meets the conditions.
    """
    for option, words in conditions.items():
        if option in WORDS:
            own = table[option].astype(str)
        else:
            own = table["options"].str.extract(rf"(?:^|; ){re.escape(option)}=([^;]*)(?:; |$)", expand=False)
            if own.isna().all():
                known = {part.partition("=")[0] for text in table["options"].unique() for part in text.split("; ")}
                raise GanbenchError(f"--where: no run has an option '{option}': {near_miss(option, {*known, *WORDS})}")
        kept = table[own.isin(words)]
        if kept.empty:
            there = ", ".join(sorted(own.dropna().unique())[:12])
            raise GanbenchError(f"--where: no run has {option} = {' or '.join(words)}; there is {there}")
        table = kept
    return table


def quick_scores(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of intermediate scores, computed from fewer samples during training."""
    return table[table["protocol"].str.endswith(QUICK)]


def runs(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per run, without metrics: the budget it used, its training time, and its status."""
    codes, _ = pd.factorize(table["run"])
    order = np.lexsort(
        (table["step"].to_numpy(), codes)
    )  # stable: of several rows at the last step, the last one counts
    ends = np.flatnonzero(np.diff(codes[order], append=len(codes)))
    last = table.iloc[order[ends]].drop(columns=["metric", "value", "floor", "ceiling", "direction"])
    # Not every row has the time.
    seconds = table["seconds"].groupby(codes).max().to_numpy()
    return last.assign(seconds=seconds).reset_index(drop=True)


def directions_in(scores: pd.DataFrame) -> dict[str, str]:
    """Return what is better, `lower`, `higher` or `real`, for each metric of some rows, in alphabetical order."""
    known = scores.loc[scores["direction"] != "", ["metric", "direction"]].drop_duplicates("metric")
    return dict(sorted(zip(known["metric"].astype(str), known["direction"].astype(str), strict=True)))


def headline_modes(scores: pd.DataFrame) -> str:
    """Return the mode count to show: the strict one if there is one; published protocols have none."""
    return "modes_strict" if (scores["metric"] == "modes_strict").any() else "modes"


def mode_shares(scores: pd.DataFrame, kind: str = "mode") -> dict[str, float]:
    """Return each mode's share, from the rows of one run at one step.

    Args:
        kind: "mode" for all samples, "good" for good ones only.
    """
    rows = scores[scores["metric"].str.startswith(f"{kind}/")]
    shares = dict(zip(rows["metric"].str.removeprefix(f"{kind}/"), rows["value"], strict=True))
    return {name: shares[name] for name in sorted(shares, key=by_number)}


def by_number(mode: str) -> tuple[int, str]:
    """Sort key for modes: numbers in numerical order; other names keep their order."""
    return (len(mode), mode) if mode.isdecimal() else (0, "")


def varying_options(options: Sequence[str]) -> list[str]:
    """Remove the options that all of the option strings share."""
    parts = [text.split("; ") if text else [] for text in options]
    common = set(parts[0]).intersection(*parts[1:]) if parts else set()
    return ["; ".join(part for part in each if part not in common) for each in parts]
