"""Ranking of methods by their seeds: the estimates behind a comparison, and sentences about them.

Methods are ranked together only if they were scored alike: same data set, protocol and number of samples. No winner is
named if the 95 % intervals overlap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ganbench.core.errors import GanbenchError
from ganbench.core.formatting import number
from ganbench.core.registry import near_miss
from ganbench.results.grouping import shown_protocol
from ganbench.results.inference import MIN_SEEDS, Contrast, Estimate, contrast_all, seeds_to_decide, winner

Seeds = Mapping[int, float]
"""Losses by seed; NaN for a failed seed."""


class Setting(NamedTuple):
    """Conditions under which scores are comparable."""

    dataset: str
    protocol: str
    selection: str
    samples: float

    def __str__(self) -> str:
        return f"{self.dataset}, {shown_protocol(self.protocol, self.selection)}, {number(self.samples)} samples"


@dataclass(frozen=True)
class Method:
    """A group of runs as a method to be ranked.

    Attributes:
        setting: how its seeds were scored; None if none of them was.
        losses: losses by seed, for each metric that can rank it.
        estimates: of those losses, by metric.
    """

    name: str
    setting: Setting | None
    losses: Mapping[str, Seeds]
    estimates: Mapping[str, Estimate]


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
        few = {name: estimate.seeds for name, estimate in self.estimates.items() if not estimate.has_interval}
        if few:
            name = min(few, key=lambda method: few[method])
            return f"no winner: that takes {MIN_SEEDS} seeds of each, and {name} has {few[name]}"
        best, *others = sorted(self.estimates, key=lambda name: self.estimates[name].middle)
        rivals = [name for name in others if self.estimates[name].low <= self.estimates[best].high]
        needed = [seeds_to_decide(self.estimates[best], self.estimates[name]) for name in rivals]
        close = ", ".join(rivals[:3]) + (f" and {len(rivals) - 3} more" if len(rivals) > 3 else "")
        if any(count is None for count in needed):
            more = "as far as these seeds tell they are as good as equal" if len(rivals) == 1 else "some are too close"
        else:
            more = f"about {max(count or 0 for count in needed)} seeds of each would tell"
        return f"no winner: the 95 % intervals of {best} and {close} overlap; {more}"


def sentences(rankings: Iterable[Ranking]) -> list[str]:
    """One sentence per setting and result; metrics with the same result share it."""
    rankings = list(rankings)
    several = len({ranking.setting for ranking in rankings}) > 1
    alike: dict[tuple[str, str], list[str]] = {}
    for ranking in rankings:
        alike.setdefault((ranking.setting, ranking.reason()), []).append(ranking.metric)
    return [
        (f"{setting}: " if several else "") + f"{', '.join(metrics)}: {reason}"
        for (setting, reason), metrics in alike.items()
    ]


def rank(
    methods: Sequence[Method],
    metrics: Sequence[str],
    directions: Mapping[str, str],
    floors: Mapping[Setting, Mapping[str, float]],
) -> list[Ranking]:
    """Rank methods by each metric, wherever two or more of them were scored alike.

    Args:
        directions: by metric.
        floors: the scores of real data, by setting and metric.
    """
    rankings = []
    for setting in sorted({method.setting for method in methods if method.setting is not None}):
        for metric in metrics:
            alike = [method for method in methods if method.setting == setting and metric in method.losses]
            if len(alike) > 1:
                estimates = {method.name: method.estimates[metric] for method in alike}
                losses = {method.name: method.losses[metric] for method in alike}
                target = floors[setting][metric]
                rankings.append(
                    Ranking(metric, str(setting), directions[metric], target, losses, estimates, winner(estimates))
                )
    return rankings


def against(ranking: Ranking, baseline: str) -> list[Contrast]:
    """Compare every other method with a baseline, with Holm's correction over these comparisons.

    Raises:
        GanbenchError: there is no such method, or several have that name.
    """
    names = list(ranking.losses)
    matching = [name for name in names if name == baseline] or [
        name for name in names if name.split(" · ")[0] == baseline
    ]
    if len(matching) != 1:
        complaint = (
            f"the baseline '{baseline}' could be any of {'; '.join(matching)}"
            if matching
            else (f"there is no '{baseline}' to compare with: {near_miss(baseline, names)}")
        )
        raise GanbenchError(complaint)
    others = {name: seeds for name, seeds in ranking.losses.items() if name != matching[0]}
    return contrast_all(others, baseline=(matching[0], ranking.losses[matching[0]]))
