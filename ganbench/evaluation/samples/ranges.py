"""Which range pixels are in, and how they come from there to [−1, 1].

A range that is not stated must be unambiguous. Floats that fit two ranges, or hardly one, are an error: read wrongly,
they would still give a number.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from ganbench.core.errors import GanbenchError
from ganbench.core.registry import near_miss

RANGES = {"0..255": (0.0, 255.0), "0..1": (0.0, 1.0), "-1..1": (-1.0, 1.0)}
TOLERANCE = 0.001
"""How far a pixel may lie outside, after it was brought to [−1, 1]; interpolation and rounding do that."""


def to_float(array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """A float32 copy whose numbers are all finite.

    Raises:
        GanbenchError: NaN or infinity among them, or a float64 beyond float32.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        values = array.astype(np.float32, order="C")
        extremes = float(values.min()), float(values.max())
    if not all(map(math.isfinite, extremes)):
        broken = int((~np.isfinite(values.reshape(len(values), -1)).all(axis=1)).sum())
        raise GanbenchError(f"{broken:,} of {len(values):,} samples hold NaN or infinity: see what made them")
    return values


def to_signed_range(array: npt.NDArray[Any], stated: str | None) -> tuple[npt.NDArray[np.float32], str]:
    """Pixels of any range as float32 in [−1, 1], and the range they came in, in words.

    Raises:
        GanbenchError: the range is in doubt, or is not the stated one; NaN or infinity.
    """
    if stated is not None and stated not in RANGES:
        raise GanbenchError(f"unknown range '{stated}': {near_miss(stated, RANGES)}")
    values = to_float(array)
    low, high = float(values.min()), float(values.max())
    if stated is None and array.dtype.kind in "ui":
        name = _range_of_integers(array.dtype, low, high)
    else:
        name = stated or _range_of_floats(low, high)
    bottom, top = RANGES[name]
    slack = TOLERANCE * (top - bottom) / 2
    if low < bottom - slack or high > top + slack:
        raise GanbenchError(f"its values lie in [{low:g}, {high:g}], which is not the range {name} that was stated")
    values -= np.float32((top + bottom) / 2)
    values /= np.float32((top - bottom) / 2)
    values.clip(-1, 1, out=values)
    return values, "bytes" if array.dtype == np.uint8 and name == "0..255" else f"range {name}"


def _range_of_integers(dtype: np.dtype[Any], low: float, high: float) -> str:
    if dtype != np.uint8:
        raise GanbenchError(f"its numbers are {dtype}: state their range ({_choices()}), or save them as uint8")
    if high <= 1:
        raise GanbenchError(
            f"its bytes are all {low:g} or {high:g}, so they may stand for 0..1: state their range ({_choices()})"
        )
    return "0..255"


def _range_of_floats(low: float, high: float) -> str:
    if -1 - TOLERANCE <= low < -0.1 and high <= 1 + TOLERANCE:
        return "-1..1"  # clearly below zero, which rounding and interpolation can't do to the other two
    if 0 <= low <= 0.01 and 0.9 <= high <= 1 + TOLERANCE / 2:
        return "0..1"  # both ends are used; in −1..1 the darkest pixel would be grey, by chance at 0
    if low >= 0 and 128 <= high <= 255 * (1 + TOLERANCE / 2):
        return "0..255"
    raise GanbenchError(
        f"its values lie in [{low:g}, {high:g}], which fits no range beyond doubt: state it ({_choices()})"
    )


def _choices() -> str:
    return ", ".join(RANGES)
