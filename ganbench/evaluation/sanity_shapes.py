"""Shapes of a metric's curve that the sanity checks ask for, with the tolerances of Räisä et al. (2025)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

Curve = list[tuple[float, float]]
"""(position, value) along a family of distributions, by ascending position."""
Criterion = Callable[[Curve], bool]

CLOSE: Final = 0.05
"""Largest distance from a target value, or between the values of a constant."""
DROP: Final = 0.2
"""Smallest difference between the high and the low end of a shape."""
LOOSE: Final = 0.1
"""Largest distance of an end of a shape from the highest or lowest value of the curve."""


def lowest(curve: Curve) -> float:
    """The first position."""
    return curve[0][0]


def highest(curve: Curve) -> float:
    """The last position."""
    return curve[-1][0]


def near(target: float) -> Callable[[float], bool]:
    """A test for values close to a target."""
    return lambda value: abs(value - target) <= CLOSE


def value_at(position: float | Callable[[Curve], float], test: Callable[[float], bool]) -> Criterion:
    """A criterion for the value at one position."""
    return lambda curve: test(_at(curve, position(curve) if callable(position) else position))


def either(*criteria: Criterion) -> Criterion:
    """A criterion that is met if one of several is."""
    return lambda curve: any(criterion(curve) for criterion in criteria)


def bell(middle: float) -> Criterion:
    """High at the middle, low at both ends, and lowest at one of them."""

    def met(curve: Curve) -> bool:
        values, top = [value for _, value in curve], _at(curve, middle)
        ends = values[0], values[-1]
        return top - max(ends) >= DROP and max(values) - top <= LOOSE and min(ends) - min(values) <= LOOSE

    return met


def rising() -> Criterion:
    """Low at the first position and high at the last."""

    def met(curve: Curve) -> bool:
        values = [value for _, value in curve]
        first, last = values[0], values[-1]
        return last - first >= DROP and first - min(values) <= LOOSE and max(values) - last <= LOOSE

    return met


def falling() -> Criterion:
    """High at the first position and low at the last."""
    climb = rising()
    return lambda curve: climb([(-position, value) for position, value in reversed(curve)])


def falling_early(quantile: float) -> Criterion:
    """Falling, and noticeably so at a quantile of the positions."""
    fall = falling()

    def met(curve: Curve) -> bool:
        midway = curve[round(quantile * (len(curve) - 1))][1]
        return fall(curve) and curve[0][1] - midway >= LOOSE

    return met


def flat() -> Criterion:
    """The same value everywhere."""
    return lambda curve: max(value for _, value in curve) - min(value for _, value in curve) <= CLOSE


def settles() -> Criterion:
    """The same value from the middle position on."""
    constant = flat()
    return lambda curve: constant(curve[len(curve) // 2 :])


def _at(curve: Curve, position: float) -> float:
    """The value at the position nearest to this one: positions are computed, and so are rounded."""
    return min(curve, key=lambda point: abs(point[0] - position))[1]
