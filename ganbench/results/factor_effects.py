"""Effects of the factors of a factorial experiment on its primary outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ganbench.core.annotation import LOST, parse_factors
from ganbench.core.mode_words import with_noun
from ganbench.results.compare import COUNTED
from ganbench.results.grouping import scored_alike
from ganbench.results.inference import Values, as_losses
from ganbench.results.inference.factorial import Cell, Effect, effects
from ganbench.results.verdicts import seeds_that_lost_modes
from ganbench.results.views import final_scores, noun_of, runs

MAX_FACTORS = 6


@dataclass(frozen=True)
class FactorEffects:
    """The effects of all factors on one outcome on one data set.

    Attributes:
        seeds: number of runs.
        failed: number of those without a score, which rank worst.
    """

    dataset: str
    outcome: str
    label: str
    seeds: int
    failed: int
    effects: tuple[Effect, ...]


def factor_effects(table: pd.DataFrame) -> list[FactorEffects]:
    """Compute the effects on each primary outcome, on each data set where the design is complete."""
    ended = runs(table)
    ended = ended[ended["status"].isin(COUNTED) & (ended["primary"] != "")]
    found = []
    for (dataset, primary), members in ended.groupby(["dataset", "primary"], observed=True):
        on = {str(run): parse_factors(str(text)) for run, text in zip(members["run"], members["factors"], strict=True)}
        largest_first = sorted(on.values(), key=len, reverse=True)  # so that they are in the order of the file
        names = tuple(dict.fromkeys(name for factors in largest_first for name in factors))
        if not 1 <= len(names) <= MAX_FACTORS:
            continue
        if not scored_alike(table, on):
            continue
        cells = {run: tuple(name in factors for name in names) for run, factors in on.items()}
        if len(set(cells.values())) < 2 ** len(names):
            continue  # the design is incomplete
        for outcome in str(primary).split(","):
            losses, label = outcome_losses(table, outcome, list(cells))
            if losses:
                of_cells = _by_cell(cells, losses)
                failed = sum(int(np.isnan(values).sum()) for values in of_cells.values())
                result = tuple(effects(names, of_cells))
                found.append(FactorEffects(str(dataset), outcome, label, len(cells), failed, result))
    return found


def _by_cell(cells: Mapping[str, Cell], losses: Mapping[str, float]) -> dict[Cell, Values]:
    of_cells: dict[Cell, list[float]] = {}
    for run, cell in cells.items():
        of_cells.setdefault(cell, []).append(losses.get(run, np.nan))
    return {cell: np.array(values) for cell, values in of_cells.items()}


def outcome_losses(table: pd.DataFrame, outcome: str, members: list[str]) -> tuple[dict[str, float], str]:
    """Return losses of runs by one outcome, and its label; none if it wasn't measured or no value of it is better."""
    rows = table[table["run"].isin(members)]
    if outcome == LOST:
        lost = seeds_that_lost_modes(rows[rows["kind"].isin(("final", "verdict"))])
        return {str(run): float(value) for run, value in lost.items()}, with_noun("a mode is missing", noun_of(rows))
    scores = final_scores(rows)
    scores = scores[(scores["metric"] == outcome) & (scores["direction"] != "")].drop_duplicates("run", keep="last")
    if scores["value"].isna().all():
        return {}, ""  # not measured, or undefined on the data set
    direction = str(scores["direction"].iloc[0])
    losses = as_losses(scores["value"].to_numpy(), direction, scores["floor"].to_numpy())
    return dict(zip(scores["run"].astype(str), losses.tolist(), strict=True)), str(scores["label"].iloc[0])
