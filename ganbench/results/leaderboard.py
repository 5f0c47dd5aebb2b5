"""The leaderboard: methods of any number of tables, ranked wherever they were scored alike, and no seed left out.

A seed that didn't finish (diverged, collapsed early, stopped, or still running) ranks below every seed that did, and so
does a finished seed for which a metric is undefined.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ganbench.core.errors import GanbenchError
from ganbench.core.registry import near_miss
from ganbench.results.compare import COUNTED
from ganbench.results.grouping import BY, CONDITIONS, conditions_of, named_groups
from ganbench.results.incomplete_seeds import share_interval
from ganbench.results.inference import Estimate, Interval, Values, as_losses, better_with_probability, estimate
from ganbench.results.ranking import Method, Ranking, Setting, rank
from ganbench.results.table import typed
from ganbench.results.verdicts import seeds_that_lost_modes
from ganbench.results.views import STATUSES, facts_of, headline, runs

COVERAGE = ("worst_mode_coverage",)
"""Metrics that rank methods, the first one that the protocol has; without any of them, its count of modes."""
BALANCE = ("kl_corrected", "kl")
"""The same for the second ranking: the distance of the modes' shares from those of real data."""
FINISHED = "finished"
UNFINISHED = tuple(status for status in STATUSES if status != FINISHED)


@dataclass(frozen=True)
class Entry:
    """A method in a setting.

    Attributes:
        run: the run of its first seed that came to an end; of its first seed if none did.
        unfinished: number of seeds by status, of those that didn't finish.
        lost: number of seeds that lost a mode, unfinished ones included; None if that isn't known.
        images, seconds: the median cost of its finished seeds, or of all if none finished.
        commits: versions of the code that trained it.
        tuned: how its settings were found, in its authors' words; empty if they don't say.
        losses: losses of its seeds by metric, NaN for those that count as failed.
    """

    method: str
    run: str
    seeds: int
    unfinished: Mapping[str, int]
    lost: int | None
    images: float
    seconds: float
    commits: tuple[str, ...]
    tuned: str
    losses: Mapping[str, Values]
    estimates: Mapping[str, Estimate]

    @property
    def lost_share(self) -> Interval:
        """The share of seeds that lost a mode, with its 95 % interval; NaN if it isn't known."""
        return Interval(*[math.nan] * 3) if self.lost is None else share_interval(self.lost, self.seeds)


@dataclass(frozen=True)
class Floor:
    """The score of real data, and its standard deviation among several sets of them."""

    value: float
    sd: float


@dataclass(frozen=True)
class Board:
    """Methods that were scored alike, best first.

    Attributes:
        metrics: the metrics that rank them; the first one sorts the table.
        directions: `lower`, `higher` or `real`, by metric.
        floors: by metric.
        rankings: by metric; a method alone has none.
    """

    setting: Setting
    entries: tuple[Entry, ...]
    metrics: tuple[str, ...]
    directions: Mapping[str, str]
    floors: Mapping[str, Floor]
    rankings: Mapping[str, Ranking] = field(default_factory=dict)

    def standing(self, method: str, metric: str) -> str:
        """Say whether a method is `best`, `behind` the best, or if that is `undecided`; empty if it is alone.

        The leading method is undecided as well if it isn't shown to be better than each of the others.
        """
        if metric not in self.rankings:
            return ""
        lead = self.rankings[metric].lead
        if method in lead.rivals or (method == lead.method and lead.rivals):
            return "undecided"
        return "best" if method == lead.method else "behind"

    def score(self, loss: float, metric: str) -> float:
        """Convert a loss to a score; for `real`, to the distance from the score of real data."""
        return -loss if self.directions[metric] == "higher" else loss


def join(tables: Sequence[pd.DataFrame]) -> tuple[pd.DataFrame, int]:
    """Join tables into one. A run in several of them counts once, as the first one has it.

    Returns:
        the table, and how many runs were left out of later tables.
    """
    known: set[str] = set()
    parts, again = [], 0
    for table in tables:
        repeated = table["run"].isin(known)
        again += table.loc[repeated, "run"].nunique()
        parts.append(table[~repeated].astype({"run": str}))
        known |= set(table["run"])
    if len(parts) == 1:
        return parts[0], again
    plain = [part.astype({name: object for name in part.columns if part[name].dtype == "category"}) for part in parts]
    return typed(pd.concat(plain, ignore_index=True)), again


def boards(table: pd.DataFrame, dataset: str | None = None) -> list[Board]:
    """Rank the methods of each data set, protocol and number of samples, if a seed of them has ended.

    Raises:
        GanbenchError: there are no runs, or none on this data set, or none of them has ended.
    """
    if table.empty:
        raise GanbenchError("there are no runs to rank")
    if dataset is not None:
        known = sorted(set(table["dataset"].astype(str)))
        if dataset not in known:
            raise GanbenchError(f"no run is on the data set '{dataset}': {near_miss(dataset, known)}")
        table = table[table["dataset"] == dataset]
    ranked = []
    for _, alike in table.groupby(["dataset", "protocol"], sort=True, observed=True):
        ranked += _boards_of_a_protocol(alike)
    if not ranked:
        raise GanbenchError("there are no runs to rank: none of them has ended")
    return ranked


def _boards_of_a_protocol(table: pd.DataFrame) -> list[Board]:
    scores = table[table["kind"].isin(("final", "verdict"))]
    final = scores[scores["kind"] == "final"]
    conditions = conditions_of(final)
    lost = seeds_that_lost_modes(scores)
    all_runs = runs(table).set_index("run", drop=False)
    settings = sorted({Setting(*row) for row in conditions.itertuples(index=False)})
    unknown = Setting(str(table["dataset"].iloc[0]), str(table["protocol"].iloc[0]), "", math.nan)
    members_of: dict[Setting, list[tuple[str, pd.DataFrame]]] = {}
    for name, ids in named_groups(table, BY):
        members = all_runs.loc[ids].sort_values("seed")
        if not members["status"].isin(COUNTED).any():
            continue
        of_group = conditions[conditions.index.isin(ids)].drop_duplicates()
        if len(of_group):
            setting = Setting(*of_group.iloc[0])
            if len(of_group) > 1:
                raise GanbenchError(f"the method {name} was scored in several ways, with {CONDITIONS[-1]} or selection")
        else:  # no seed was scored: it failed under the setting of the others, if they have one
            setting = settings[0] if len(settings) == 1 else unknown
        members_of.setdefault(setting, []).append((name, members))
    return [
        _board(setting, sorted(methods, key=lambda item: item[0]), final, lost)
        for setting, methods in sorted(members_of.items(), key=lambda item: str(item[0]))
    ]


def _board(
    setting: Setting, methods: Sequence[tuple[str, pd.DataFrame]], final: pd.DataFrame, lost: pd.Series
) -> Board:
    ids = {run for _, members in methods for run in members["run"]}
    scores = final[final["run"].isin(ids)]
    directions = facts_of(scores, "direction")
    floors = {metric: _floor(scores, metric) for metric in directions}
    known = [name for name in directions if directions[name] != "real" or not math.isnan(floors[name].value)]
    metrics = _ranking_metrics(scores, known)
    by_run = {
        metric: dict(zip(rows["run"].astype(str), rows["value"], strict=True))
        for metric, rows in ((metric, scores[scores["metric"] == metric]) for metric in metrics)
    }
    entries = [
        _entry(
            name,
            members,
            lost,
            {
                metric: as_losses(_numbers(members, by_run[metric]), directions[metric], floors[metric].value)
                for metric in metrics
            },
        )
        for name, members in methods
    ]
    ranked = rank(
        [
            Method(
                entry.method,
                setting,
                {metric: dict(enumerate(losses.tolist())) for metric, losses in entry.losses.items()},
                entry.estimates,
            )
            for entry in entries
        ],
        metrics,
        directions,
        {setting: {metric: floors[metric].value for metric in metrics}},
    )
    rankings = {ranking.metric: ranking for ranking in ranked}
    return Board(setting, tuple(_sorted(entries, metrics)), tuple(metrics), directions, floors, rankings)


def _ranking_metrics(scores: pd.DataFrame, known: Sequence[str]) -> list[str]:
    """The first metric of each ranking that was measured; if a protocol has none of them, the first of its headline."""
    mode_counts = tuple(sorted(set(scores["mode_count"].astype(str)) - {""}))
    chosen = [
        next((metric for metric in candidates if metric in known), None)
        for candidates in ((*COVERAGE, *mode_counts), BALANCE)
    ]
    metrics = [metric for metric in chosen if metric is not None]
    return metrics or [metric for metric in headline(scores) if metric in known][:1]


def _floor(scores: pd.DataFrame, metric: str) -> Floor:
    rows = scores[scores["metric"] == metric]
    return Floor(float(rows["floor"].median()), float(rows["floor_sd"].median()))


def _numbers(members: pd.DataFrame, by_run: Mapping[str, float]) -> Values:
    """The score of each seed; NaN for one that didn't finish."""
    return np.array(
        [
            by_run.get(run, math.nan) if status == FINISHED else math.nan
            for run, status in zip(members["run"], members["status"], strict=True)
        ]
    )


def _entry(name: str, members: pd.DataFrame, lost: pd.Series, losses: Mapping[str, Values]) -> Entry:
    finished = members[members["status"] == FINISHED]
    ended = members[members["status"].isin(COUNTED)]
    cost = finished if len(finished) else members
    is_known = set(finished["run"]) <= set(lost.index)
    counts = {status: int((members["status"] == status).sum()) for status in UNFINISHED}
    return Entry(
        method=name,
        run=str((ended if len(ended) else members)["run"].iloc[0]),
        seeds=len(members),
        unfinished={status: count for status, count in counts.items() if count},
        lost=len(members) - sum(not lost[run] for run in finished["run"]) if is_known else None,
        images=float(cost["images"].median()),
        seconds=float(cost["seconds"].median()),
        commits=tuple(sorted(set(members["commit"].astype(str)) - {""})),
        tuned="; ".join(sorted(set(members["tuned"].astype(str)) - {""})),
        losses=losses,
        estimates={metric: estimate(of_seeds) for metric, of_seeds in losses.items()},
    )


def _sorted(entries: Sequence[Entry], metrics: Sequence[str]) -> list[Entry]:
    """Sort by the first metric as `find_lead` does: by interquartile mean, equal ones by how many seeds they beat."""
    if not metrics:
        return list(entries)
    first = metrics[0]
    everything = np.concatenate([entry.losses[first] for entry in entries])

    def key(entry: Entry) -> tuple[float, float, str]:
        beaten = better_with_probability(entry.losses[first], everything)
        return (entry.estimates[first].middle, -beaten, entry.method)

    return sorted(entries, key=key)
