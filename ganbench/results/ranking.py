"""Ranking of methods by their seeds: the estimates behind a comparison, and the winner if there is one.

Methods are ranked together only if they were scored alike: same data set, protocol and number of samples. A winner is
named only if it is shown to be better than each of the others. The sentences are in `ganbench.results.answers`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ganbench.core.errors import GanbenchError
from ganbench.core.formatting import number
from ganbench.core.mode_words import MODES, with_noun
from ganbench.core.registry import near_miss
from ganbench.results.grouping import shown_protocol
from ganbench.results.inference import Contrast, Estimate, Lead, contrast, corrected, find_lead
from ganbench.results.verdict_words import Words

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
        words: counts of the words of its seeds' verdicts.
    """

    name: str
    setting: Setting | None
    losses: Mapping[str, Seeds]
    estimates: Mapping[str, Estimate]
    words: Words = field(default_factory=dict)


@dataclass(frozen=True)
class Ranking:
    """Methods that were scored alike, ranked by one metric.

    Attributes:
        setting: data set, protocol and number of samples.
        direction: `lower`, `higher` or `real`.
        target: the score of real data.
        losses: losses by seed, for each method.
        estimates: for each method, in losses.
        lead: the leading method, and those that it is not shown to be better than.
        words: counts of the words of verdicts, for each method.
        noun: the plural noun for modes.
        left_out: methods that were scored alike, but not all of whose seeds have the metric.
    """

    metric: str
    setting: str
    direction: str
    target: float
    losses: Mapping[str, Seeds]
    estimates: Mapping[str, Estimate]
    lead: Lead
    words: Mapping[str, Words] = field(default_factory=dict)
    noun: str = MODES
    left_out: Sequence[str] = ()

    @property
    def heading(self) -> str:
        """The metric as it is called where people read."""
        return with_noun(self.metric, self.noun)

    @property
    def winner(self) -> str | None:
        """The method that is better than every other, or None."""
        return None if self.lead.rivals else self.lead.method

    def score(self, loss: float) -> float:
        """Convert a loss back to a score; for `real`, to the distance from the score of real data."""
        return -loss if self.direction == "higher" else loss

    def contrast(self, first: str, second: str) -> Contrast:
        """Compare two of the methods; the p-value isn't corrected."""
        return contrast(first, values(self.losses[first]), second, values(self.losses[second]))


def values(seeds: Seeds) -> NDArray[np.float64]:
    """The losses of a method's seeds."""
    return np.array(list(seeds.values()), dtype=float)


def rank(
    methods: Sequence[Method],
    metrics: Sequence[str],
    directions: Mapping[str, str],
    floors: Mapping[Setting, Mapping[str, float]],
    noun: str = MODES,
) -> list[Ranking]:
    """Rank methods by each metric, wherever two or more of them were scored alike.

    Args:
        directions: by metric.
        floors: the scores of real data, by setting and metric.
        noun: the plural noun for modes.
    """
    rankings = []
    for setting in sorted({method.setting for method in methods if method.setting is not None}):
        scored_alike = [method for method in methods if method.setting == setting]
        for metric in metrics:
            alike = [method for method in scored_alike if metric in method.losses]
            if len(alike) > 1:
                estimates = {method.name: method.estimates[metric] for method in alike}
                losses = {method.name: method.losses[metric] for method in alike}
                rankings.append(
                    Ranking(
                        metric=metric,
                        setting=str(setting),
                        direction=directions[metric],
                        target=floors[setting][metric],
                        losses=losses,
                        estimates=estimates,
                        lead=find_lead({name: values(seeds) for name, seeds in losses.items()}, estimates),
                        words={method.name: method.words for method in alike},
                        noun=noun,
                        left_out=[method.name for method in scored_alike if metric not in method.losses],
                    )
                )
    return rankings


def against(rankings: Sequence[Ranking], baseline: str) -> list[list[Contrast]]:
    """For each ranking, compare every other method with a baseline; Holm's correction is over all of these together.

    Raises:
        GanbenchError: there is no such method, or several have that name.
    """
    contrasts = []
    for ranking in rankings:
        second = _named(baseline, list(ranking.losses))
        contrasts.append([ranking.contrast(first, second) for first in ranking.losses if first != second])
    in_turn = iter(corrected([pair for pairs in contrasts for pair in pairs]))
    return [[next(in_turn) for _ in pairs] for pairs in contrasts]


def _named(baseline: str, names: Sequence[str]) -> str:
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
    return matching[0]
