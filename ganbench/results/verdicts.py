"""Verdicts on runs, from the rows of the tidy table; of earlier versions, only what their shares of modes say."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from ganbench.core.mode_states import LOST, crowded_modes, is_short, mode_states
from ganbench.core.verdict import Measured, Verdict
from ganbench.results.earlier import has_even_modes
from ganbench.results.views import final_scores, mode_shares
from ganbench.tracking.metric_names import GOOD, MODE, SAMPLE_COUNT


def verdict_on(rows: pd.DataFrame) -> Verdict | None:
    """The verdict on a run, from its rows; None if neither a verdict nor shares of modes were tracked.

    Runs of earlier versions have the shares of modes alone: the clauses about sharpness and variety are missing.
    """
    tracked = rows[rows["kind"] == "verdict"]
    shares = _tracked_shares(rows)
    if shares is None and tracked.empty:
        return None
    compared = tracked[tracked["floor_sd"].notna()]
    columns = (compared[column] for column in ("metric", "value", "floor", "floor_sd"))
    numbers: dict[str, Any] = {str(name): Measured(*numbers) for name, *numbers in zip(*columns, strict=True)}
    scores = final_scores(rows)
    names = list(mode_shares(scores))
    if shares is None:
        return Verdict(names, None, crowded=(), **numbers)
    every, fair, samples = shares
    states = mode_states(every, mode_shares(scores, GOOD), fair, samples)
    return Verdict(names, states, crowded=crowded_modes(every, fair, samples), **numbers)


def _tracked_shares(rows: pd.DataFrame) -> tuple[dict[str, float], dict[str, float], float] | None:
    """The share of all samples of each mode, its fair share, and the number of samples; None if one isn't known."""
    scores = final_scores(rows)
    shares = mode_shares(scores)
    counts = scores.loc[scores["metric"] == SAMPLE_COUNT, "value"]
    if not shares or counts.empty:
        return None
    fair = fair_shares(scores)
    return None if fair is None else (shares, {name: fair[name] for name in shares}, float(counts.iloc[0]))


def fair_shares(scores: pd.DataFrame) -> dict[str, float] | None:
    """The fair share of each mode; earlier versions tracked none, and it is known for data with equal modes only."""
    rows = scores[scores["metric"].str.startswith(MODE)]
    floors = dict(zip(rows["metric"].str.removeprefix(MODE), rows["floor"], strict=True))
    if not any(math.isnan(floor) for floor in floors.values()):
        return floors
    if has_even_modes(scores["dataset"].iloc[0]):
        return dict.fromkeys(floors, 1 / len(floors))
    return None


def seeds_that_lost_modes(scores: pd.DataFrame) -> pd.Series:
    """True for each run that lost a mode, of those of which it is known, by the run's id.

    Args:
        scores: final scores and verdicts of any number of runs.
    """
    tracked = scores[(scores["kind"] == "verdict") & (scores["metric"] == "lost")]
    known = dict(zip(tracked["run"], tracked["value"] > 0, strict=True))
    shares = scores[scores["metric"].str.startswith(MODE) & ~scores["run"].isin(known)]
    counts = scores[scores["metric"] == SAMPLE_COUNT].drop_duplicates("run").set_index("run")["value"]
    even = 1 / shares.groupby("run")["metric"].transform("count")
    fair = shares["floor"].fillna(even.where(shares["dataset"].astype(object).map(has_even_modes).astype(bool)))
    samples = shares["run"].map(counts)
    measured = fair.notna() & samples.notna()
    share, fair_share, count = (numbers.to_numpy(dtype=float) for numbers in (shares["value"], fair, samples))
    lost = is_short(share, fair_share, count, LOST)
    of_run = pd.Series(lost, index=shares.index)[measured].groupby(shares["run"][measured]).any()
    return pd.concat([of_run, pd.Series(known, dtype=bool)])
