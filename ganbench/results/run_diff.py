"""Comparison of two runs: differences between their specs, scores, and events during training."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from ganbench.core.annotation import label_of
from ganbench.core.errors import GanbenchError
from ganbench.core.registry import near_miss
from ganbench.results.table import OF_A_RUN
from ganbench.results.views import events, facts_of, final_scores
from ganbench.tracking.metric_names import SAMPLE_COUNT

OUT_OF_SPEC = ("commit", "device", "status")
"""Columns that describe a run but are not part of its spec."""
SURE = 1.96


@dataclass(frozen=True)
class Score:
    """One metric of both runs.

    Attributes:
        floor: the score of real data.
        noise: half-width of the 95 % interval of the difference that sampling alone would cause between two equal
            generators; NaN if unknown.
    """

    metric: str
    first: float
    second: float
    floor: float
    noise: float

    @property
    def difference(self) -> float:
        return self.second - self.first

    @property
    def tie(self) -> bool:
        """True if the difference is within the noise of the evaluation itself."""
        return self.difference == 0 or abs(self.difference) <= self.noise  # unknown noise is NaN: no tie


@dataclass(frozen=True)
class Difference:
    """The differences between two runs; every pair is in the order in which the runs were given.

    Attributes:
        runs: their ids.
        names: label, or else loss and architecture; data set, seed and id of each.
        spec: each option that differs, with both values; empty for a run that doesn't have it.
        surroundings: commit, device and status, if they differ.
        comparable: empty, or the reason why their scores can't be compared.
        events: each kind of event, with its steps in both.
    """

    runs: tuple[str, str]
    names: tuple[str, str]
    spec: list[tuple[str, str, str]]
    surroundings: list[tuple[str, str, str]]
    comparable: str
    scores: list[Score]
    events: list[tuple[str, list[int], list[int]]]


def find(table: pd.DataFrame, run: str) -> str:
    """Return the id of the run with this id or unique prefix.

    Raises:
        GanbenchError: no run matches, or several do.
    """
    ids = list(dict.fromkeys(table["run"]))
    matching = [name for name in ids if name == run] or [name for name in ids if name.startswith(run)]
    if len(matching) != 1:
        raise GanbenchError(
            f"several runs begin with '{run}': {', '.join(matching[:6])}"
            if matching
            else f"there is no run '{run}': {near_miss(run, ids)}"
        )
    return str(matching[0])


def differ(table: pd.DataFrame, first: str, second: str) -> Difference:
    """Compare two runs of a tidy table.

    Raises:
        GanbenchError: they are the same run, or one of them isn't in the table.
    """
    ids = find(table, first), find(table, second)
    if ids[0] == ids[1]:
        raise GanbenchError(f"'{first}' and '{second}' are the same run: name two")
    rows = tuple(table[table["run"] == run] for run in ids)
    heads = [run_rows.iloc[0] for run_rows in rows]
    spec = [_spec(head) for head in heads]
    scores = [final_scores(run_rows) for run_rows in rows]
    protocols = [" and ".join(sorted(set(run_rows["protocol"]))) for run_rows in scores]
    return Difference(
        runs=ids,
        names=_pair(
            f"{label_of(head['name'], head['dose']) or head['loss'] + ' · ' + head['arch']} · {head['dataset']}, "
            f"seed {head['seed']} ({head['run']})"
            for head in heads
        ),
        spec=[
            (option, spec[0].get(option, ""), spec[1].get(option, ""))
            for option in sorted(spec[0].keys() | spec[1].keys())
            if spec[0].get(option) != spec[1].get(option)
        ],
        surroundings=[
            (name, str(heads[0][name]), str(heads[1][name])) for name in OUT_OF_SPEC if heads[0][name] != heads[1][name]
        ],
        comparable=_why_not(heads, protocols),
        scores=_scores(*scores),
        events=_events(*rows),
    )


def share_noise(first: float, second: float, count: float) -> float:
    """Half-width of the 95 % interval of the difference between two shares of `count` independent samples each.

    It is 1.96 · √(p₁(1 − p₁)/n + p₂(1 − p₂)/n).
    """
    return SURE * math.sqrt(sum(share * (1 - share) for share in (first, second)) / count)


def _spec(head: pd.Series) -> dict[str, str]:
    options = dict(part.split("=", 1) for part in head["options"].split("; ") if "=" in part)
    named = {name: str(head[name]) for name in ("dataset", "loss", "arch", "seed")}
    return named | options


def _why_not(heads: list[pd.Series], protocols: list[str]) -> str:
    if heads[0]["dataset"] != heads[1]["dataset"]:
        return "they were trained on other data"
    if "" in protocols:
        return "one has no scores"
    return "" if protocols[0] == protocols[1] else f"{protocols[0]} is another protocol than {protocols[1]}"


def _scores(first: pd.DataFrame, second: pd.DataFrame) -> list[Score]:
    one, other = (rows.drop_duplicates("metric", keep="last").set_index("metric") for rows in (first, second))
    counts = [rows["value"].get(SAMPLE_COUNT, math.nan) for rows in (one, other)]
    scores = []
    for metric, scale in facts_of(first, "scale").items():
        if metric in other.index:
            values = float(one["value"][metric]), float(other["value"][metric])
            is_share = scale == "share" and all(0 <= value <= 1 for value in values)
            noise = share_noise(*values, min(counts)) if is_share else math.nan
            scores.append(Score(metric, *values, float(one["floor"][metric]), noise))
    return scores


def _events(first: pd.DataFrame, second: pd.DataFrame) -> list[tuple[str, list[int], list[int]]]:
    def steps(rows: pd.DataFrame, kind: str) -> list[int]:
        return sorted(int(step) for step in rows.loc[rows["metric"] == kind, "step"])

    one, other = events(first), events(second)
    return [(kind, steps(one, kind), steps(other, kind)) for kind in sorted({*one["metric"], *other["metric"]})]


def _pair(words: Iterable[str]) -> tuple[str, str]:
    first, second = words
    return first, second


assert set(OUT_OF_SPEC) <= set(OF_A_RUN)
