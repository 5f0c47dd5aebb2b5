"""Dose and response: how the share of collapsed runs grows with a dose, and the dose that collapses half of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from ganbench.results.inference.intervals import LEVEL, Interval
from ganbench.results.inference.losses import Values

BEYOND = 3.0
"""Half-effect doses are sought up to e³, twenty times, below the lowest and above the highest dose."""
DOSES, SLOPES = 1_201, 161
"""Number of half-effect doses and of slopes that are tried."""
GENTLEST, STEEPEST = 0.05, 500.0
"""Range of slopes: the change of the log odds when the dose grows e-fold."""


@dataclass(frozen=True)
class DoseResponse:
    """A logistic curve through shares of collapsed runs.

    Attributes:
        doses: each dose once, in ascending order.
        runs: number of runs at each dose.
        collapsed: number of those that collapsed.
        half: the dose that collapses half of the runs (D50), with its 95 % interval. An end is 0 or infinite where the
            runs don't bound it; the estimate itself is 0 if all collapsed, infinite if none did, and NaN if the runs
            bound it on neither side, or the likeliest dose is at an end of those that are tried: as where more of the
            dose doesn't collapse more of them.
        slope: of the log odds over the logarithm of the dose; infinite if one dose parts all runs.
        gap: the neighbouring doses between which D50 lies, where the runs say no more than that: at most one dose has
            both kinds of runs, and any steep curve fits equally well. Outside of the doses an end is 0 or infinite.
    """

    doses: tuple[float, ...]
    runs: tuple[int, ...]
    collapsed: tuple[int, ...]
    half: Interval
    slope: float
    gap: tuple[float, float] | None

    def probability(self, doses: Values) -> Values:
        """The curve: the probability of a collapse at each dose; NaN without a half-effect dose."""
        if not math.isfinite(self.half.middle) or self.half.middle == 0:
            return np.full(len(doses), {0.0: 1.0, math.inf: 0.0}.get(self.half.middle, math.nan))
        return np.asarray(special.expit(min(self.slope, STEEPEST) * np.log(doses / self.half.middle)))


def dose_response(doses: Values, collapsed: Values) -> DoseResponse:
    """Fit P(collapse) = 1 / (1 + (D50 / dose)^slope) to runs, with a slope above 0.

    The interval of D50 holds the values that the profile likelihood doesn't reject (F with 1 and n − 2 degrees of
    freedom, a little wider than χ²). It needs no finite slope, so it also holds where one dose parts all runs that
    collapse from all that don't. Where a whole gap between two doses is equally likely, D50 is its geometric mean.

    Args:
        doses: of each run, above 0.
        collapsed: whether each run collapsed, as 0 or 1.

    Raises:
        ValueError: a dose is not above 0, or there are fewer than two doses.
    """
    if not (doses > 0).all():
        raise ValueError("a dose must be above 0")
    distinct, place = np.unique(doses, return_inverse=True)
    if len(distinct) < 2:
        raise ValueError("a dose–response curve needs at least two doses")
    runs = np.bincount(place)
    hits = np.bincount(place, weights=collapsed)
    halves = np.linspace(math.log(distinct[0]) - BEYOND, math.log(distinct[-1]) + BEYOND, DOSES)
    slopes = np.geomspace(GENTLEST, STEEPEST, SLOPES)
    odds = slopes[None, :, None] * (np.log(distinct)[None, None] - halves[:, None, None])
    # log P(collapse) is min(odds, 0) − log1p(e^−|odds|), and log P(none) the same of −odds: the slow part is in both.
    likelihood = np.minimum(odds, 0) @ hits - np.maximum(odds, 0) @ (runs - hits) - np.log1p(np.exp(-abs(odds))) @ runs
    profile = likelihood.max(1)
    best = float(profile.max())
    quantile = float(special.stdtrit(max(1, len(doses) - 2), (1 + LEVEL) / 2)) ** 2
    excess = 2 * (best - profile) - quantile
    kept = np.flatnonzero(excess <= 0)
    low = 0.0 if kept[0] == 0 else _crossing(halves, excess, int(kept[0]) - 1)
    high = math.inf if kept[-1] == DOSES - 1 else _crossing(halves, excess, int(kept[-1]))
    # The likelihood of a gap is flat up to what the steepest slope leaves of it.
    likeliest = np.flatnonzero(best - profile <= 1e-3)
    slope = float(slopes[likelihood[likeliest].max(0).argmax()])
    middle = math.exp(float(halves[likeliest].mean()))
    if not hits.any():
        middle, high = math.inf, math.inf
    elif (hits == runs).all():
        middle, low = 0.0, 0.0
    elif (low == 0 and high == math.inf) or likeliest[0] == 0 or likeliest[-1] == DOSES - 1:
        middle = math.nan
    return DoseResponse(
        tuple(distinct.tolist()),
        tuple(runs.tolist()),
        tuple(hits.astype(int).tolist()),
        Interval(middle, low, high),
        math.inf if slope == STEEPEST else slope,
        _gap(distinct, hits / runs),
    )


def _crossing(halves: Values, excess: Values, place: int) -> float:
    """The dose at which the excess is 0, between a place of the grid and the next."""
    share = excess[place] / (excess[place] - excess[place + 1])
    return math.exp(float(halves[place] + share * (halves[place + 1] - halves[place])))


def _gap(doses: Values, shares: Values) -> tuple[float, float] | None:
    """The gap of D50 if at most one dose has both kinds of runs, none collapse below it, and all above it."""
    if (np.diff(shares) < 0).any() or ((shares > 0) & (shares < 1)).sum() > 1 or (shares == 0.5).any():
        return None
    ends = [0.0, *doses.tolist(), math.inf]
    below = int((shares < 0.5).sum())
    return ends[below], ends[below + 1]
