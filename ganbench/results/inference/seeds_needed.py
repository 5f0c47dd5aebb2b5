"""Number of seeds with an even chance of a winner, if differences are as large as they look."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy import special

from ganbench.results.inference.intervals import LEVEL, MIN_SEEDS, SEED
from ganbench.results.inference.losses import Values, iqm, ranked
from ganbench.results.inference.ranks import mann_whitney, placements

MAX_P = 0.2
"""With a larger p-value, a difference can't be distinguished from none, and a number of seeds would mean nothing."""
MAX_SEEDS = 1_000
"""If more than this would be needed, there is no number."""
DRAWS = 500
"""Simulated studies, before their mirror images."""


def seeds_needed(best: Values, rivals: Sequence[Values]) -> int | None:
    """Estimate the number of seeds of each method with an even chance that the best one beats all of the rivals.

    That is if the seeds at hand are what all seeds are like. The rule's statistics, the probabilities of being better,
    are simulated for a number of seeds as jointly normal, with the covariance of the observed placements; the number is
    found by bisection. The random numbers are fixed, so that the same seeds give the same answer.

    Returns:
        None if there is no sensible number: a difference can't be distinguished from none, the interquartile mean
        contradicts the ranks, or it takes more than a thousand seeds.
    """
    if min(len(best), *(len(rival) for rival in rivals)) < 2:
        return None
    for rival in rivals:
        if mann_whitney(best, rival) > MAX_P or not iqm(best) < iqm(rival):
            return None
    placed = [placements(best, rival) for rival in rivals]
    probabilities = np.array([float(first.mean()) for first, _ in placed])
    if (probabilities <= 0.5).any():
        return None
    shared = np.atleast_2d(np.cov(np.stack([first for first, _ in placed])))
    covariance = shared + np.diag([float(second.var(ddof=1)) for _, second in placed])
    spreads = np.diag(covariance)
    ties = np.array([_tie_factor(best, rival) for rival in rivals])
    values, vectors = np.linalg.eigh(covariance)
    deviations = _normal(len(rivals)) @ (vectors * np.sqrt(np.maximum(values, 0))).T

    def decides(n: int) -> bool:
        reached = probabilities + deviations / math.sqrt(n) - 0.5
        return float((reached >= _threshold(n, probabilities, spreads, ties)).all(1).mean()) >= 0.5

    low, high = MIN_SEEDS - 1, MAX_SEEDS
    if not decides(high):
        return None
    while high - low > 1:
        between = (low + high) // 2
        low, high = (low, between) if decides(between) else (between, high)
    return high


def _threshold(n: int, probabilities: Values, spreads: Values, ties: Values) -> Values:
    """Distance from ½ at which the rule decides with n seeds of each: the greater of the test's and the interval's."""
    z = float(special.ndtri((1 + LEVEL) / 2))
    test = z * np.sqrt(ties * (2 * n + 1) / (12 * n**2)) + 1 / (2 * n**2)
    inner = np.maximum(probabilities * (1 - probabilities), 1e-12)
    # The interval's variance is at most p (1 − p) / n, and that if p is 1.
    relative = np.where(probabilities == 1, 1, np.minimum(spreads / inner, 1))
    return np.asarray(np.maximum(test, z / 2 * np.sqrt(relative / n)))


def _tie_factor(one: Values, other: Values) -> float:
    """Factor by which ties shrink the variance of the rank sum."""
    everything = np.concatenate([ranked(one), ranked(other)])
    _, counts = np.unique(everything, return_counts=True)
    size = len(everything)
    return 1 - float((counts.astype(float) ** 3 - counts).sum()) / (size**3 - size)


@lru_cache(maxsize=16)
def _normal(dimensions: int) -> Values:
    """Standard normal numbers, with their mirror images, [2 · DRAWS, dimensions]."""
    drawn = np.random.default_rng(SEED).standard_normal((DRAWS, dimensions))
    return np.concatenate([drawn, -drawn])
