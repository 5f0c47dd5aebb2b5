"""The runs that represent a method in a report: its best, middle and worst seed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from ganbench.results.inference import as_losses
from ganbench.results.views import facts_of, final_scores, headline_without_counts, mode_counts, noun_of, runs


@dataclass(frozen=True)
class Representatives:
    """Runs chosen for each data set and method.

    Attributes:
        order: the numbers that runs were ranked by, in words, the most important first.
        places: pairs of run id and place, by data set and method; a place is `best`, `middle` or `worst`, or empty for
            an only seed.
    """

    order: list[str]
    places: Mapping[tuple[str, str], list[tuple[str, str]]]

    @property
    def runs(self) -> list[str]:
        return [run for chosen in self.places.values() for run, _ in chosen]


def choose(table: pd.DataFrame, names: Mapping[str, str], pictured: Collection[str] = ()) -> Representatives:
    """Choose the best, middle and worst run for each data set and method.

    Runs are ranked by their count of modes, then by the other headline metrics; a run without scores ranks last.

    Args:
        names: the name of each run's method.
        pictured: runs with samples; the one of them that is nearest to the middle is chosen, if there is one.
    """
    losses = pd.DataFrame(_losses(final_scores(table)), dtype=float)
    all_runs = runs(table).set_index("run", drop=False)
    places_of = {}
    for (dataset, method), members in all_runs.groupby(["dataset", all_runs["run"].map(names)], sort=True):
        ranked = losses.reindex(members["run"])
        if len(losses.columns):
            ranked = ranked.sort_values(list(losses.columns), kind="stable")
        ids = [str(run) for run in ranked.index]
        places = {0: ""} if len(ids) == 1 else {0: "best", _middle(ids, pictured): "middle", len(ids) - 1: "worst"}
        places_of[str(dataset), str(method)] = [
            (ids[at], "worst" if at == len(ids) - 1 > 0 else place) for at, place in places.items()
        ]
    return Representatives([str(column) for column in losses.columns], places_of)


def _middle(ids: Sequence[str], pictured: Collection[str]) -> int:
    middle = len(ids) // 2
    between = [place for place in range(1, len(ids) - 1) if ids[place] in pictured]
    return min(between, key=lambda place: abs(place - middle), default=middle)


def _losses(scores: pd.DataFrame) -> dict[str, pd.Series]:
    """The loss of each run by the label of what it is ranked by, the most important first."""
    counts = mode_counts(scores).drop_duplicates("run", keep="last").set_index("run")
    losses = {f"count of {noun_of(scores)}": -counts["value"]} if len(counts) else {}
    directions, labels = facts_of(scores, "direction"), facts_of(scores, "label")
    for metric in headline_without_counts(scores):
        rows = scores[scores["metric"] == metric].drop_duplicates("run", keep="last").set_index("run")
        values, floors = (rows[column].to_numpy(dtype=float) for column in ("value", "floor"))
        label = labels[metric] if labels[metric] not in losses else f"{labels[metric]} ({metric})"
        losses[label] = pd.Series(as_losses(values, directions[metric], floors), index=rows.index)
    return losses
