"""Distributions of losses over seeds, as simulations of the statistics need them: lower is better, NaN is a failure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Shape = Callable[[np.random.Generator, int], NDArray[np.float64]]


def normal(mean: float, sd: float) -> Shape:
    return lambda random, n: random.normal(mean, sd, n)


def two_heaps(share: float, sd: float = 1.0, low: float = 0.0) -> Shape:
    """A share of the seeds collapses to around 6; the others lie around `low`."""

    def draw(random: np.random.Generator, n: int) -> NDArray[np.float64]:
        bad = random.random(n) < share
        return np.where(bad, 6.0, low) + random.normal(0, sd, n)

    return draw


def failing(share: float) -> Shape:
    """A share of the seeds fails; the others are normal."""

    def draw(random: np.random.Generator, n: int) -> NDArray[np.float64]:
        failed = random.random(n) < share
        return np.where(failed, np.nan, random.normal(size=n))

    return draw


def counted(missing: float) -> Shape:
    """Modes covered out of eight, each missing with the same probability: integers with ties."""
    return lambda random, n: random.binomial(8, missing, n).astype(float)


SHAPES: Mapping[str, Shape] = {
    "normal": normal(0, 1),
    "skewed (lognormal, σ = .5)": lambda random, n: random.lognormal(0, 0.5, n),
    "very skewed (lognormal, σ = 1)": lambda random, n: random.lognormal(0, 1, n),
    "counted (of 8 modes, 30 % missing)": counted(0.3),
    "counted (of 8 modes, 5 % missing)": counted(0.05),
    **{f"two heaps, {100 * share:.0f} % bad": two_heaps(share) for share in (0.1, 0.2, 0.3, 0.4, 0.5)},
    **{f"two narrow heaps, {100 * share:.0f} % bad": two_heaps(share, 0.05) for share in (0.2, 0.3, 0.5)},
    **{f"{100 * share:.0f} % failed": failing(share) for share in (0.1, 0.2, 0.3)},
}
CONTRASTS: Mapping[str, tuple[Shape, Shape]] = {
    "equal, normal": (normal(0, 1), normal(0, 1)),
    "1 sd apart": (normal(0, 1), normal(1, 1)),
    "2 sd apart": (normal(0, 1), normal(2, 1)),
    "equally good, sd 1 and 3": (normal(0, 1), normal(0, 3)),
    "equally good, sd 1 and 10": (normal(0, 1), normal(0, 10)),
    "equally good, sd 1 and two heaps": (normal(0, 1), two_heaps(0.5, low=-6.0)),
    "counted, 30 % and 5 % missing": (counted(0.05), counted(0.3)),
    "normal and two heaps, 30 % bad": (normal(0, 1), two_heaps(0.3)),
    "normal and two heaps, 50 % bad": (normal(0, 1), two_heaps(0.5)),
    "two heaps, 10 % and 50 % bad": (two_heaps(0.1), two_heaps(0.5)),
    "normal, and 20 % failed": (normal(0, 1), failing(0.2)),
}
"""Pairs of methods; of those that are equally good, a seed of either is better with probability ½."""
