"""Ranking of methods by their seeds: the estimates behind a comparison, and sentences about them.

Methods are ranked together only if they were scored alike: same data set, protocol and number of samples. No winner is
named if the 95 % intervals overlap.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pandas as pd

from ganbench.core.errors import GanbenchError
from ganbench.core.formatting import number
from ganbench.core.registry import near_miss
from ganbench.results.compare import conditions_of, grouped
from ganbench.results.inference import (
    MIN_SEEDS,
    Contrast,
    Estimate,
    contrast_all,
    estimate,
    seeds_to_decide,
    winner,
)
from ganbench.results.inference import as_losses as losses_of
from ganbench.results.loading import SCORED, directions_in, final_scores, runs

RESULTS = (*SCORED, "diverged")
"""Statuses of seeds that count; other seeds have not ended yet."""

Seeds = Mapping[int, float]
"""Losses by seed; NaN for a failed seed."""


@dataclass(frozen=True)
class Ranking:
    """Methods that were scored alike, ranked by one metric.

    Attributes:
        setting: data set, protocol and number of samples.
        direction: `lower`, `higher` or `real`.
        target: the score of real data.
        losses: losses by seed, for each method.
        estimates: for each method, in losses.
        winner: the method that is better than every other, or None.
    """

    metric: str
    setting: str
    direction: str
    target: float
    losses: Mapping[str, Seeds]
    estimates: Mapping[str, Estimate]
    winner: str | None

    def score(self, loss: float) -> float:
        """Convert a loss back to a score; for `real`, to the distance from the score of real data."""
        return -loss if self.direction == "higher" else loss

    def reason(self) -> str:
        """Say which method is better, or why that is undecided and how many seeds would decide."""
        if self.winner is not None:
            return f"{self.winner} is better than every other: its 95 % interval overlaps none of theirs"
        few = {name: each.seeds for name, each in self.estimates.items() if not each.has_interval}
        if few:
            name = min(few, key=lambda each: few[each])
            return f"no winner: that takes {MIN_SEEDS} seeds of each, and {name} has {few[name]}"
        best, *others = sorted(self.estimates, key=lambda name: self.estimates[name].middle)
        rivals = [name for name in others if self.estimates[name].low <= self.estimates[best].high]
        needed = [seeds_to_decide(self.estimates[best], self.estimates[name]) for name in rivals]
        told = ", ".join(rivals[:3]) + (f" and {len(rivals) - 3} more" if len(rivals) > 3 else "")
        if any(each is None for each in needed):
            more = "as far as these seeds tell they are as good as equal" if len(rivals) == 1 else "some are too close"
        else:
            more = f"about {max(each or 0 for each in needed)} seeds of each would tell"
        return f"no winner: the 95 % intervals of {best} and {told} overlap; {more}"


def sentences(judgements: Iterable[Ranking]) -> list[str]:
    """One sentence per setting and result; metrics with the same result share it."""
    each = list(judgements)
    several = len({judgement.setting for judgement in each}) > 1
    alike: dict[tuple[str, str], list[str]] = {}
    for judgement in each:
        alike.setdefault((judgement.setting, judgement.reason()), []).append(judgement.metric)
    return [
        (f"{setting}: " if several else "") + f"{', '.join(metrics)}: {reason}"
        for (setting, reason), metrics in alike.items()
    ]


def rank_methods(table: pd.DataFrame, by: Sequence[str], metrics: Sequence[str]) -> list[Ranking]:
    """Rank the groups of a tidy table by each metric with a known direction, wherever two or more were scored alike."""
    scores = final_scores(table)
    better = directions_in(scores)
    conditions = conditions_of(scores)
    kinds = {kind: _setting(*kind) for kind in conditions.drop_duplicates().itertuples(index=False, name=None)}
    settings = dict(zip(conditions.index, map(kinds.get, conditions.itertuples(index=False, name=None)), strict=True))
    each = runs(table).set_index("run", drop=False)
    named = []
    for group in _named_groups(table, by):
        members = each.loc[group["runs"]]
        members = members[members["status"].isin(RESULTS)]
        if members.empty:
            continue
        own = {settings[run] for run in members["run"] if run in settings}
        # A method without any scored seed has failed under the setting of the others, if its data set has only one.
        own = own or {setting for setting in settings.values() if setting.startswith(f"{members['dataset'].iloc[0]}, ")}
        if len(own) == 1:
            named.append((own.pop(), group["name"], members))
    found = []
    for setting, alike in groupby(sorted(named, key=lambda item: item[0]), key=lambda item: item[0]):
        methods = {name: members for _, name, members in alike}
        for metric in metrics:
            if metric in better and len(methods) > 1:
                judged = _judge(metric, better[metric], setting, methods, scores[scores["metric"] == metric])
                if judged is not None:
                    found.append(judged)
    return found


def against(judgement: Ranking, baseline: str) -> list[Contrast]:
    """Compare every other method with a baseline, with Holm's correction over these comparisons.

    Raises:
        GanbenchError: there is no such method, or several have that name.
    """
    names = list(judgement.losses)
    matching = [name for name in names if name == baseline] or [
        name for name in names if name.split(" · ")[0] == baseline
    ]
    if len(matching) != 1:
        told = (
            f"the baseline '{baseline}' could be any of {'; '.join(matching)}"
            if matching
            else (f"there is no '{baseline}' to compare with: {near_miss(baseline, names)}")
        )
        raise GanbenchError(told)
    others = {name: seeds for name, seeds in judgement.losses.items() if name != matching[0]}
    return contrast_all(others, baseline=(matching[0], judgement.losses[matching[0]]))


def _named_groups(table: pd.DataFrame, by: Sequence[str]) -> Iterator[pd.Series]:
    """Yield groups with their names, which say how each differs from the others on the same data set."""
    for _, on_one in table.groupby("dataset", sort=True):
        groups = grouped(on_one, by)
        telling = [column for column in by if groups[column].nunique() > 1] or list(by[:1])
        for _, group in groups.iterrows():
            name = " · ".join(str(group[column]) for column in telling if group[column] != "")
            yield pd.concat([group, pd.Series({"name": name or "all"})])


def _judge(
    metric: str,
    direction: str,
    setting: str,
    methods: Mapping[str, pd.DataFrame],
    scores: pd.DataFrame,
) -> Ranking | None:
    by_run = scores.set_index("run")
    ours = by_run[by_run.index.isin(pd.concat(methods.values())["run"])]
    if ours.empty:
        return None
    target = float(ours["floor"].median())
    if direction == "real" and math.isnan(target):
        return None
    values = by_run["value"]
    losses = {}
    for number_of, (name, members) in enumerate(methods.items()):
        raw = values.reindex(members["run"]).to_numpy(dtype=float)
        own = losses_of(raw, direction, target)
        seeds = members["seed"].tolist()
        if not members["seed"].is_unique:  # groups were merged: these seeds pair with no others
            seeds = [-(number_of * len(by_run) + place + 1) for place in range(len(members))]
        losses[name] = dict(zip(seeds, own.tolist(), strict=True))
    estimates = {name: estimate(np.array(list(own.values()))) for name, own in losses.items()}
    return Ranking(metric, setting, direction, target, losses, estimates, winner(estimates))


def _setting(dataset: str, protocol: str, samples: float) -> str:
    return f"{dataset}, {protocol}, {number(samples)} samples"
