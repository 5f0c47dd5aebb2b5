"""Comparisons of two methods, their correction for number, and the winner among several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ganbench.results.inference.intervals import LEVEL, MIN_SEEDS, Estimate, Interval, iqm_difference
from ganbench.results.inference.losses import Values
from ganbench.results.inference.ranks import better_with_probability, mann_whitney, superiority
from ganbench.results.inference.tested import Tested


@dataclass(frozen=True)
class Contrast(Tested):
    """The comparison of two methods.

    Attributes:
        difference: interquartile mean of the first minus that of the second.
        probability: probability that a seed of the first is better than one of the second; ties count half.
        p: of the two-sided Mann–Whitney test that neither is better.
        seeds: number of seeds of each.
    """

    first: str
    second: str
    difference: Interval
    probability: Interval
    seeds: tuple[int, int]


def contrast(first: str, one: Values, second: str, other: Values) -> Contrast:
    """Compare two methods by their losses, NaN for failed seeds; the p-value isn't corrected yet.

    Raises:
        ValueError: there are no seeds.
    """
    p = mann_whitney(one, other)
    difference, probability, seeds = iqm_difference(one, other), superiority(one, other), (len(one), len(other))
    return Contrast(first, second, difference, probability, seeds, p=p, corrected_p=p)


def shows_better(pair: Contrast) -> bool:
    """Decide as `is_better` does, with the p-value after Holm's correction, whether the first of two is better."""
    return min(pair.seeds) >= MIN_SEEDS and pair.probability.low > 0.5 and pair.significant


def is_better(one: Values, other: Values) -> bool:
    """Decide whether one method is better than another, at the 5 % level.

    It is if the Mann–Whitney test says so *and* the interval of the probability of being better lies above ½. The test
    is exact if the two have equal distributions, but rejects too often if they are only equally good, with different
    spreads: one reliable, the other with two heaps. The interval holds then, too. Fewer than five seeds of either never
    decide: seeds of equally good methods lie wholly apart too often.
    """
    if min(len(one), len(other)) < MIN_SEEDS:
        return False
    return superiority(one, other).low > 0.5 and mann_whitney(one, other) <= 1 - LEVEL


class Lead(NamedTuple):
    """The method with the best interquartile mean, and those that it is not shown to be better than, best first."""

    method: str
    rivals: tuple[str, ...]


def find_lead(losses: Mapping[str, Values], estimates: Mapping[str, Estimate]) -> Lead:
    """Find the leading method of several, and its rivals; it is the winner if it has none.

    Each of its tests has a level of 5 %. They need no correction for their number, since all of them have to reject:
    a false winner must beat a method that is as good, and all others too. The interquartile means have to agree with
    the ranks.
    """
    best = min(estimate.middle for estimate in estimates.values())
    leaders = [name for name, estimate in estimates.items() if estimate.middle == best]
    if len(leaders) > 1:
        everything = np.concatenate(list(losses.values()))
        leaders.sort(key=lambda name: -better_with_probability(losses[name], everything))
    rivals = [name for name in losses if name != leaders[0] and not is_better(losses[leaders[0]], losses[name])]
    return Lead(leaders[0], tuple(sorted(rivals, key=lambda name: estimates[name].middle)))
