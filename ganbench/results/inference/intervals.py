"""95 % intervals of interquartile means and of their differences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ganbench.results.inference.losses import TRIMMED, Values, iqm, ranked

LEVEL = 0.95
MIN_SEEDS = 5
"""With fewer, not even the whole range covers 93 %: it misses the median with probability 2 · ½ⁿ (n = 4: 13 %)."""
WHOLE_RANGE = 6
"""Up to this number of seeds, the interval is the whole range: narrower ones cover results in two heaps too rarely."""
RESAMPLES = 4_000
SEED = 20_261_125
"""The seed of the bootstrap's random numbers."""


class Interval(NamedTuple):
    """An estimate with the bounds of its 95 % interval."""

    middle: float
    low: float
    high: float


@dataclass(frozen=True)
class Estimate:
    """A method's interquartile mean over seeds, with its interval.

    Attributes:
        middle: interquartile mean over all seeds, failed ones ranked worst; infinite if more than a quarter of them
            failed.
        low, high: bounds of the 95 % interval; NaN with fewer than five seeds. `high` is infinite if so many seeds
            failed that more than a quarter of all seeds may.
        seeds: number of all seeds.
        failed: number of seeds without a score.
    """

    middle: float
    low: float
    high: float
    seeds: int
    failed: int

    @property
    def has_interval(self) -> bool:
        return not math.isnan(self.low)


def estimate(losses: Values) -> Estimate:
    """The interquartile mean and its 95 % interval over seeds.

    The interval is the percentile bootstrap's, with the percentiles of the t distribution in place of the normal one
    (after the “expanded percentile” of Hesterberg 2015); with five and six seeds it is the whole range. What it covers
    is simulated by `python -m benchmarks.inference`.

    It depends on these seeds alone: the resamples are the same for every set of n seeds, whatever else is estimated.
    """
    failed, n = int(np.isnan(losses).sum()), len(losses)
    middle = iqm(losses)
    if n < MIN_SEEDS:
        return Estimate(middle, math.nan, math.nan, n, failed)
    if n <= WHOLE_RANGE:
        ordered = ranked(losses)
        return Estimate(middle, float(ordered[0]), float(ordered[-1]), n, failed)
    return Estimate(middle, *_percentiles(resampled_middles(losses), n - 1), n, failed)


def iqm_difference(one: Values, other: Values) -> Interval:
    """Difference of the interquartile means of two methods, one minus other, with its 95 % interval.

    The resamples of the two are independent. The percentiles are those of the t distribution with Welch's degrees of
    freedom. Where more than a quarter of both have failed, the difference isn't known (NaN), and such resamples count
    against either bound. Bounds are NaN with fewer than five seeds of either.
    """
    first, second = iqm(one), iqm(other)
    middle = first - second if math.isfinite(first) or math.isfinite(second) else math.nan
    if min(len(one), len(other)) < MIN_SEEDS:
        return Interval(middle, math.nan, math.nan)
    left, right = resampled_middles(one), resampled_middles(other)[_order()]
    with np.errstate(invalid="ignore"):
        differences = left - right
    freedom = _freedom(left, len(one), right, len(other))
    if not np.isnan(differences).any():
        return Interval(middle, *_percentiles(differences, freedom))
    low, _ = _percentiles(np.nan_to_num(differences, nan=-math.inf, posinf=math.inf, neginf=-math.inf), freedom)
    _, high = _percentiles(np.nan_to_num(differences, nan=math.inf, posinf=math.inf, neginf=-math.inf), freedom)
    return Interval(middle, low, high)


def resampled_middles(losses: Values) -> Values:
    """Interquartile means of the bootstrap's resamples, [R]; not to be changed, since they are kept."""
    return _resampled_middles(ranked(losses).tobytes())


@lru_cache(maxsize=256)
def _resampled_middles(ranked_losses: bytes) -> Values:
    """Kept, since a method has one estimate and a difference from each of the others."""
    losses = np.frombuffer(ranked_losses)
    return np.asarray(losses[_middle_places(len(losses))].mean(1))


def _percentiles(values: Values, freedom: float) -> tuple[float, float]:
    """Bounds at the tails that the t distribution's quantile has under the normal distribution.

    Order statistics without interpolation, since values may be infinite.
    """
    tail = float(special.ndtr(-special.stdtrit(freedom, (1 + LEVEL) / 2)))
    low, high = math.floor(tail * (RESAMPLES - 1)), math.ceil((1 - tail) * (RESAMPLES - 1))
    ordered = np.partition(values, (low, high))
    return float(ordered[low]), float(ordered[high])


def _freedom(left: Values, n: int, right: Values, m: int) -> float:
    """Welch's degrees of freedom, from the variances of resampled means; the fewest possible if one is infinite."""
    fewest = min(n, m) - 1
    if not (np.isfinite(left).all() and np.isfinite(right).all()):
        return fewest
    one, other = float(left.var()), float(right.var())
    if one + other == 0:
        return fewest
    return (one + other) ** 2 / (one**2 / (n - 1) + other**2 / (m - 1))


@lru_cache(maxsize=16)
def _middle_places(n: int) -> NDArray[np.int32]:
    """Ranks of the middle half of each resample of n ranked values, [R, n − 2 · cut]."""
    drawn = np.random.default_rng(SEED).integers(n, size=(RESAMPLES, n), dtype=np.int32)
    cut = int(TRIMMED * n)
    return np.sort(drawn, axis=1)[:, cut : n - cut].copy()


@lru_cache(maxsize=1)
def _order() -> NDArray[np.int64]:
    """An order of the second method's resamples: those of two methods with equally many seeds must be independent."""
    return np.random.default_rng(SEED + 1).permutation(RESAMPLES)
