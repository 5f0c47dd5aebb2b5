"""Rank statistics of two methods: the Mann–Whitney test and the probability of being better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ganbench.results.inference.intervals import LEVEL, Interval
from ganbench.results.inference.losses import Values, ranked

EXACT_OPERATIONS = 2_000_000
"""The exact distribution is computed if it takes no more than this: up to 24 seeds of each, or 5 against 100."""
NORMAL = float(special.ndtri((1 + LEVEL) / 2))
PRIOR_WEIGHT = 1
"""Weight of the largest possible variance in that of the probability of being better, in seeds: few seeds may all agree
by chance, which must not make an interval of no width."""


def mann_whitney(one: Values, other: Values) -> float:
    """p-value of the two-sided Mann–Whitney test that neither method is better; NaN without seeds of both.

    For few seeds it is exact, ties and failed seeds included: the distribution of the rank sum over all ways to divide
    the observed ranks between the two. For many it is normal, corrected for ties and continuity.
    """
    n, m = len(one), len(other)
    if not (n and m):
        return math.nan
    if n > m:
        one, other, n, m = other, one, m, n
    place, ties = _groups_of_ties(one, other)
    doubled_ranks = 2 * np.cumsum(ties) - ties + 1
    total = int(doubled_ranks[place[:n]].sum())
    size = n + m
    deviation = abs(total - n * (size + 1))
    if size * n * n * 2 * size <= EXACT_OPERATIONS:
        return _exact_tail(n, tuple(ties.tolist()), deviation)
    variance = (n * m) ** 2 * null_variance(one, other)
    if variance == 0:
        return 1.0
    return min(1.0, 2 * float(special.ndtr(-max(0.0, deviation / 2 - 0.5) / math.sqrt(variance))))


def null_variance(one: Values, other: Values) -> float:
    """Variance of the probability of being better if neither method is, by the Mann–Whitney test, ties included."""
    n, m = len(one), len(other)
    size = n + m
    ties = _groups_of_ties(one, other)[1].astype(float)
    return (size + 1 - float((ties**3 - ties).sum()) / (size * (size - 1))) / (12 * n * m)


def better_with_probability(one: Values, other: Values) -> float:
    """Probability that a seed of the first has a smaller loss than one of the second.

    Ties count half; two failures are a tie.
    """
    return _share_of_pairs(placements(one, other)[0], len(other))


class Share(NamedTuple):
    """A probability of being better.

    Attributes:
        pairs: number of independent pairs of seeds that would have the same variance.
    """

    better: float
    pairs: float

    def interval(self, z: float = NORMAL) -> Interval:
        """Return Wilson's interval.

        Args:
            z: quantile of the normal distribution at its ends; that of a 95 % interval by default.
        """
        p, pairs, z2 = self.better, self.pairs, z**2
        centre = (p + z2 / (2 * pairs)) / (1 + z2 / pairs)
        reach = math.sqrt(z2 * (p * (1 - p) / pairs + z2 / (4 * pairs**2))) / (1 + z2 / pairs)
        # Rounding must not put an end of the interval beyond 0, 1 or p.
        return Interval(p, max(0.0, min(p, centre - reach)), min(1.0, max(p, centre + reach)))


def superiority(one: Values, other: Values) -> Interval:
    """Probability that a seed of the first is better than one of the second, with its 95 % interval."""
    return share_in_strata([(one, other)]).interval()


def share_in_strata(strata: Sequence[tuple[Values, Values]]) -> Share:
    """Average over strata the probability that a seed of the first kind is better than one of the second.

    The variance is that of placements (DeLong et al. 1988), which needs neither equal spreads nor the absence of ties,
    shrunk a little towards the largest possible one, p (1 − p) / min(n, m) (van Dantzig 1951) with the average p, and
    never above that: strata in which all pairs agree are not certain.

    Args:
        strata: in each, the losses of seeds of both kinds; NaN is a failed seed, which ranks worst.
    """
    placed = [placements(one, other) for one, other in strata]
    p = sum(_share_of_pairs(first, len(second)) for first, second in placed) / len(strata)
    least = float(sum(min(len(one), len(other)) for one, other in strata))
    if not 0 < p < 1:
        return Share(p, least)
    variance = sum(_shrunk_variance(first, second, p) for first, second in placed) / len(strata) ** 2
    return Share(p, max(least, p * (1 - p) / variance))


def placements(one: Values, other: Values) -> tuple[Values, Values]:
    """Placement of each seed among the other method's seeds, both in rank order.

    For the first method, the share of the other's seeds that are worse; for the second, the share of the first's that
    are better. Ties count half.
    """
    left, right = ranked(one), ranked(other)
    worse = 1 - (np.searchsorted(right, left, "left") + np.searchsorted(right, left, "right")) / (2 * len(right))
    better = (np.searchsorted(left, right, "left") + np.searchsorted(left, right, "right")) / (2 * len(left))
    return worse, better


def _groups_of_ties(one: Values, other: Values) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The group of equal values that each seed belongs to, groups in rank order, and the size of each group."""
    _, place, sizes = np.unique(np.concatenate([ranked(one), ranked(other)]), return_inverse=True, return_counts=True)
    return place, sizes


def _shrunk_variance(first: Values, second: Values, p: float) -> float:
    """Variance of a probability from placements, shrunk towards the largest possible one."""
    n, m = len(first), len(second)
    largest = p * (1 - p) / min(n, m)
    if min(n, m) < 2:
        return largest
    freedom = n + m - 2
    variance = float(first.var(ddof=1) / n + second.var(ddof=1) / m)
    return (freedom * variance + PRIOR_WEIGHT * largest) / (freedom + PRIOR_WEIGHT)


def _share_of_pairs(placed: Values, others: int) -> float:
    """Mean of placements, from whole numbers of half pairs, so that it is exact."""
    pairs = 2 * others * len(placed)
    return round(float(placed.sum()) * 2 * others) / pairs


@lru_cache(maxsize=512)
def _exact_tail(n: int, ties: tuple[int, ...], deviation: int) -> float:
    """Probability that the sum of n of the doubled midranks lies at least so far from its expectation."""
    counts = _rank_sums(n, ties)
    size = sum(ties)
    distances = np.abs(np.arange(len(counts)) - n * (size + 1))
    return float(counts[distances >= deviation].sum() / counts.sum())


@lru_cache(maxsize=128)
def _rank_sums(n: int, ties: tuple[int, ...]) -> NDArray[np.float64]:
    """For each sum of doubled midranks, the number of ways in which n of the tied ranks have it.

    Args:
        ties: sizes of the groups of equal values, in rank order.
    """
    sizes = np.array(ties)
    doubled_ranks = np.repeat(2 * np.cumsum(sizes) - sizes + 1, sizes)
    counts = np.zeros((n + 1, int(doubled_ranks[-n:].sum()) + 1))
    counts[0, 0] = 1
    for rank in doubled_ranks.tolist():
        # The right side is evaluated in full before it is added: each rank is taken at most once.
        counts[1:, rank:] += counts[:-1, : counts.shape[1] - rank].copy()
    return np.asarray(counts[n])
