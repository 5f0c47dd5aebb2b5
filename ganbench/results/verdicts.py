"""Verdicts on runs, from the rows of the tidy table; of earlier versions, only what their shares of modes say."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from ganbench.core.verdict import Measured, ModeState, Verdict, mode_states
from ganbench.results.earlier import has_even_modes
from ganbench.results.views import final_scores, mode_shares
from ganbench.tracking.metric_names import GOOD, MODE, SAMPLE_COUNT, SD


def verdict_on(rows: pd.DataFrame) -> Verdict | None:
    """The verdict on a run, from its rows; None if neither a verdict nor shares of modes were tracked.

    Runs of earlier versions have the shares of modes alone: the clauses about sharpness and variety are missing.
    """
    tracked = rows[rows["kind"] == "verdict"]
    states = states_of_modes(rows)
    if states is None and tracked.empty:
        return None
    values = dict(zip(tracked["metric"].astype(str), tracked["value"], strict=True))
    floors = dict(zip(tracked["metric"].astype(str), tracked["floor"], strict=True))
    numbers: dict[str, Any] = {
        name: Measured(values[name], floors[name], values[name + SD]) for name in values if name + SD in values
    }
    return Verdict(list(mode_shares(final_scores(rows))), states, **numbers)


def states_of_modes(rows: pd.DataFrame) -> dict[str, ModeState] | None:
    """The modes of a run that are lost, thin or not sharp; None if their shares weren't tracked."""
    scores = final_scores(rows)
    shares, good = mode_shares(scores), mode_shares(scores, GOOD)
    counts = scores.loc[scores["metric"] == SAMPLE_COUNT, "value"]
    if not shares or counts.empty:
        return None
    fair = fair_shares(scores)
    return None if fair is None else mode_states(shares, good, fair, float(counts.iloc[0]))


def fair_shares(scores: pd.DataFrame) -> dict[str, float] | None:
    """The fair share of each mode; earlier versions tracked none, and it is known for data with equal modes only."""
    rows = scores[scores["metric"].str.startswith(MODE)]
    floors = dict(zip(rows["metric"].str.removeprefix(MODE), rows["floor"], strict=True))
    if not any(math.isnan(floor) for floor in floors.values()):
        return floors
    if has_even_modes(scores["dataset"].iloc[0]):
        return dict.fromkeys(floors, 1 / len(floors))
    return None


def count_in_state(rows: pd.DataFrame, state: ModeState) -> float:
    """Number of modes of a run in a state; NaN if it isn't known."""
    tracked = rows[(rows["kind"] == "verdict") & (rows["metric"] == state.replace(" ", "_"))]
    if len(tracked):
        return float(tracked["value"].iloc[0])
    states = states_of_modes(rows)
    return math.nan if states is None else float(sum(its_state == state for its_state in states.values()))
