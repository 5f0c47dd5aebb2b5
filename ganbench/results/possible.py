"""Numbers that a tidy table may hold: a file may come from a stranger, and tables and charts must stay finite."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from ganbench.results.table import COSTS
from ganbench.tracking.metric_names import BESIDE, GOOD, MODE, SAMPLE_COUNT

LARGEST = float(np.finfo(np.float32).max)
"""Scores are computed in single precision."""
LARGEST_COUNT = 2**53
"""Counts beyond it aren't exact as floats."""
MOST_MODES = 1_000_000
"""No data set has more modes."""
STATE_COUNTS = ("lost", "thin", "not_sharp")
"""Numbers of modes in a verdict."""


class Impossible(NamedTuple):
    """A number that can't be: its row, from 0 on, and what is wrong with it."""

    row: int
    words: str


def first_impossible(table: pd.DataFrame) -> Impossible | None:
    """Return the first number of a tidy table that can't be; None if there is none."""
    return min(_impossible(table.reset_index(drop=True)), default=None)


def _impossible(table: pd.DataFrame) -> Iterator[Impossible]:
    for column in ("value", *BESIDE, "seconds"):
        numbers = table[column]
        yield from _first(table, column, numbers.abs().gt(LARGEST) & ~np.isinf(numbers), "larger than any score")
    for column in ("seed", "step", *COSTS):
        yield from _first(table, column, ~table[column].between(0, LARGEST_COUNT), "no count")
    yield from _first(table, "seconds", np.isinf(table["seconds"]) | table["seconds"].lt(0), "no time")
    metric = table["metric"].astype(object)
    scores = table["kind"].isin(("final", "quick", "extra"))
    shares = scores & metric.str.startswith((MODE, GOOD)).astype(bool)
    counts = scores & (metric == SAMPLE_COUNT)
    modes = scores & (metric == table["mode_count"].astype(object))
    modes |= (table["kind"] == "verdict") & metric.isin(STATE_COUNTS)
    for column in ("value", "floor", "ceiling"):
        known = table[column].notna()
        yield from _first(table, column, shares & known & ~table[column].between(0, 1), "no share of samples")
        yield from _first(table, column, counts & known & ~table[column].between(0, LARGEST_COUNT), "no count")
        yield from _first(table, column, modes & known & ~table[column].between(0, MOST_MODES), "no count of modes")
    yield from _first(table, "value", (metric == SAMPLE_COUNT) & ~table["value"].ge(1), "no number of samples")


def _first(table: pd.DataFrame, column: str, wrong: pd.Series, words: str) -> Iterator[Impossible]:
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        number, metric = table[column].iloc[row], table["metric"].iloc[row]
        yield Impossible(row, f"the {column} {number:g}{f' of {metric}' if metric else ''} is {words}")
