"""The medians over seeds of each method: the numbers behind a study's sentences."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from ganbench.core.annotation import LOST, parse_dose
from ganbench.results.compare import COUNTED
from ganbench.results.views import final_scores, noun_of, runs


@dataclass(frozen=True)
class Middle:
    """A median over those seeds that have a score, and their number; NaN if none has."""

    value: float
    scored: int


@dataclass(frozen=True)
class MethodMedians:
    """A method's medians by outcome, and the number of its runs that have ended."""

    name: str
    runs: int
    medians: Mapping[str, Middle]


@dataclass(frozen=True)
class Medians:
    """Medians of all methods on one data set: those of one dose together, smaller doses first, those without one last.

    Attributes:
        outcomes: those that were measured, with their labels.
        real: what real data score, the median over runs; NaN where that isn't known.
    """

    dataset: str
    outcomes: Mapping[str, str]
    methods: tuple[MethodMedians, ...]
    real: Mapping[str, float]


def medians(table: pd.DataFrame, names: Mapping[str, str], outcomes: Sequence[str]) -> list[Medians]:
    """Compute the medians of some outcomes: names of metrics, and `LOST` for the number of lost modes.

    Args:
        table: the tidy table.
        names: the method of each run.
    """
    ended = runs(table)
    ended = ended[ended["status"].isin(COUNTED)]
    rows = pd.concat([final_scores(table), table[(table["kind"] == "verdict") & (table["metric"] == LOST)]])
    found = []
    for dataset, on_dataset in ended.groupby("dataset", sort=True, observed=True):
        columns, labels, real = {}, {}, {}
        for outcome in dict.fromkeys(outcomes):
            scores = rows[(rows["metric"] == outcome) & rows["run"].isin(on_dataset["run"])]
            scores = scores.drop_duplicates("run", keep="last").set_index("run")
            if len(scores):
                columns[outcome] = scores["value"]
                labels[outcome] = (
                    f"lost {noun_of(on_dataset)}" if outcome == LOST else str(scores["label"].iloc[0]) or outcome
                )
                real[outcome] = 0.0 if outcome == LOST else float(scores["floor"].median())
        methods = []
        for name, members in sorted(on_dataset.groupby(on_dataset["run"].map(names)), key=_by_dose):
            values = {outcome: column.reindex(members["run"]).dropna() for outcome, column in columns.items()}
            middles = {outcome: _middle(of) for outcome, of in values.items()}
            methods.append(MethodMedians(str(name), len(members), middles))
        found.append(Medians(str(dataset), labels, tuple(methods), real))
    return found


def _middle(values: pd.Series[float]) -> Middle:
    return Middle(float(values.median()) if len(values) else math.nan, len(values))


def _by_dose(method: tuple[Hashable, pd.DataFrame]) -> tuple[bool, list[tuple[str, float]], str]:
    name, members = method
    doses = [*parse_dose(str(members["dose"].iloc[0])).items()][:1]
    return not doses, doses, str(name)
