"""Comparisons of two methods, their correction for number, and the winner among several."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ganbench.results.inference.intervals import LEVEL, MIN_SEEDS, Estimate, Interval, iqm_difference
from ganbench.results.inference.losses import Values
from ganbench.results.inference.ranks import better_with_probability, mann_whitney, superiority


@dataclass(frozen=True)
class Contrast:
    """The comparison of two methods.

    Attributes:
        difference: interquartile mean of the first minus that of the second.
        probability: probability that a seed of the first is better than one of the second; ties count half.
        p: p-value of the two-sided Mann–Whitney test that neither is better.
        adjusted: the same after Holm's correction over all comparisons shown with it.
        seeds: number of seeds of each.
    """

    first: str
    second: str
    difference: Interval
    probability: Interval
    p: float
    adjusted: float
    seeds: tuple[int, int]


def contrast(first: str, one: Values, second: str, other: Values) -> Contrast:
    """Compare two methods by their losses, NaN for failed seeds; the p-value isn't corrected yet.

    Raises:
        ValueError: there are no seeds.
    """
    p = mann_whitney(one, other)
    return Contrast(first, second, iqm_difference(one, other), superiority(one, other), p, p, (len(one), len(other)))


def with_holm(contrasts: Sequence[Contrast]) -> list[Contrast]:
    """Correct the p-values of comparisons that are shown together."""
    adjusted = holm([pair.p for pair in contrasts])
    return [replace(pair, adjusted=p) for pair, p in zip(contrasts, adjusted, strict=True)]


def shows_better(pair: Contrast) -> bool:
    """Decide as `is_better` does, with the p-value after Holm's correction, whether the first of two is better."""
    return min(pair.seeds) >= MIN_SEEDS and pair.probability.low > 0.5 and pair.adjusted <= 1 - LEVEL


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's step-down correction (1979): adjusted pᵢ = max over j ≤ i of (m − j + 1) · p₍ⱼ₎, at most 1."""
    adjusted = [math.nan] * len(ps)
    known = [index for index in range(len(ps)) if not math.isnan(ps[index])]
    worst = 0.0
    for rank, index in enumerate(sorted(known, key=lambda index: ps[index])):
        worst = max(worst, min(1.0, (len(known) - rank) * ps[index]))
        adjusted[index] = worst
    return adjusted


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
