"""Pixel ranges: detection and conversion to [−1, 1].

A range that is not stated must be unambiguous. Floats that fit two ranges, or barely one, are an error: misread, they
would still give a number.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from ganbench.core.errors import GanbenchError
from ganbench.core.registry import near_miss
from ganbench.evaluation.samples.memory import check_memory

RANGES = {"0..255": (0.0, 255.0), "0..1": (0.0, 1.0), "-1..1": (-1.0, 1.0)}
TOLERANCE = 0.001
"""Allowed excess of a pixel after conversion to [−1, 1], which rounding can cause."""
NEAR = 0.9
"""Share of the way to its ends that the pixels of a range must come, if it is recognised by its values."""


def to_float(array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """A float32 copy with finite values only.

    Raises:
        GanbenchError: a value is NaN or infinite, or a float64 that exceeds float32; there isn't enough memory.
    """
    check_memory(array.size * 4)
    with np.errstate(over="ignore", invalid="ignore"):
        values = array.astype(np.float32, order="C")
        extremes = float(values.min()), float(values.max())
    if not all(map(math.isfinite, extremes)):
        broken = int((~np.isfinite(values.reshape(len(values), -1)).all(axis=1)).sum())
        raise GanbenchError(f"{broken:,} of {len(values):,} samples contain NaN or infinity: check what produced them")
    return values


def to_signed_range(
    array: npt.NDArray[Any], stated: str | None, clip: bool = False
) -> tuple[npt.NDArray[np.float32], str]:
    """Convert pixels of any range to float32 in [−1, 1]; return them and a description of the original range.

    Args:
        clip: whether to clip values outside the stated range; the description counts them.

    Raises:
        GanbenchError: the range is ambiguous, or is not the stated one; NaN or infinity.
    """
    if stated is not None and stated not in RANGES:
        raise GanbenchError(f"unknown range '{stated}': {near_miss(stated, RANGES)}")
    if clip and stated is None:
        raise GanbenchError(f"what to clip depends on the range: state it ({_choices()}) with --range")
    values = to_float(array)
    low, high = float(values.min()), float(values.max())
    if stated is None and array.dtype.kind in "ui":
        name = _range_of_integers(array.dtype, low, high)
    else:
        name = stated or _range_of_floats(low, high)
    bottom, top = RANGES[name]
    slack = TOLERANCE * (top - bottom) / 2
    words = "bytes" if array.dtype == np.uint8 and name == "0..255" else f"range {name}"
    if clip or low < bottom - slack or high > top + slack:
        outside = f"{int(((values < bottom) | (values > top)).sum()):,} of {values.size:,} values"
        if not clip:
            raise GanbenchError(
                f"{outside} are outside the stated range {name}, in [{low:g}, {high:g}]: "
                f"state another range, or cut them off with --clip"
            )
        words += f", {outside} in [{low:g}, {high:g}] clipped"
    values -= np.float32((top + bottom) / 2)
    values /= np.float32((top - bottom) / 2)
    values.clip(-1, 1, out=values)
    return values, words


def _range_of_integers(dtype: np.dtype[Any], low: float, high: float) -> str:
    if dtype != np.uint8:
        raise GanbenchError(
            f"its numbers are {dtype}: state their range ({_choices()}) with --range, or save them as uint8"
        )
    if high <= 1:
        raise GanbenchError(
            f"its bytes are all {low:g} or {high:g}, so they may stand for 0..1: "
            f"state their range ({_choices()}) with --range"
        )
    if high < 128:  # grey levels of few bits, percentages, or a generator whose images are dark
        raise GanbenchError(
            f"its bytes end at {high:g}: if they are dark images in 0..255, state it with --range 0..255; "
            f"else scale them to 0..255"
        )
    return "0..255"


def _range_of_floats(low: float, high: float) -> str:
    # Both ends are used: images that were scaled or shifted don't fill another range by coincidence.
    if -1 - TOLERANCE <= low <= -NEAR and NEAR <= high <= 1 + TOLERANCE:
        return "-1..1"
    if 0 <= low <= 0.01 and NEAR <= high <= 1 + TOLERANCE / 2:
        return "0..1"
    if low >= 0 and 128 <= high <= 255 * (1 + TOLERANCE / 2):
        return "0..255"
    fits_none = all(low < bottom or high > top for bottom, top in RANGES.values())
    raise GanbenchError(
        f"its values lie in [{low:g}, {high:g}], which doesn't clearly fit one range: "
        f"state it ({_choices()}) with --range" + ", and cut off what is outside it with --clip" * fits_none
    )


def _choices() -> str:
    return ", ".join(RANGES)
