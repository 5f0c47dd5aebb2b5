"""Counts of two kinds of runs, compared within strata in which all else is equal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

AS_LIKELY = 1 + 1e-7
"""Outcomes whose probabilities differ by less are equally likely: they are sums of rounded numbers."""


def exact_in_strata(strata: Sequence[tuple[tuple[int, int], tuple[int, int]]]) -> float:
    """Test whether a thing happens equally often to two kinds of runs; in one stratum, Fisher's (1935) exact test.

    Given how often it happens in each stratum, the number of the first kind in all of them is a sum of hypergeometric
    ones. The two-sided p-value is the probability of all sums that are at most as likely as the one that was seen.

    Args:
        strata: in each, how often it happened and among how many runs, for both kinds.
    """
    probabilities, seen = np.ones(1), 0
    for (own, of_own), (other, of_other) in strata:
        happened = own + other
        least, most = max(0, happened - of_other), min(happened, of_own)
        outcomes = np.arange(least, most + 1)
        here = stats.hypergeom.pmf(outcomes, of_own + of_other, happened, of_own)
        probabilities = np.convolve(probabilities, here)
        seen += own - least
    return min(1.0, float(probabilities[probabilities <= probabilities[seen] * AS_LIKELY].sum()))
