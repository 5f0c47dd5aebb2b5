"""Layout of arrays: number type and order of axes; ambiguous arrays are refused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ganbench.core.errors import GanbenchError

REFUSED = {
    "O": "Python objects (a pickle), which are never loaded",
    "b": "booleans",
    "c": "complex numbers",
    "V": "records",
}


def times(shape: tuple[int, ...]) -> str:
    """Format a shape: "1×28×28"."""
    return "×".join(map(str, shape))


def check_numbers(dtype: np.dtype[Any], what: str) -> None:
    """Raise GanbenchError unless the type is an integer or floating-point one."""
    if dtype.hasobject or dtype.kind not in "uif":
        description = REFUSED["O"] if dtype.hasobject else REFUSED.get(dtype.kind, f"values of type {dtype}")
        raise GanbenchError(f"{what} contains {description}: save the samples as uint8 or float32")


def size_hint(found: Sequence[int], shape: tuple[int, ...]) -> str:
    """Say how images of another height and width can be brought to those of `shape`; empty for anything else."""
    if len(shape) != 3:
        return ""
    channels, height, width = shape
    if len(found) == 2 and channels == 1:
        sizes = tuple(found)
    elif len(found) == 3 and channels in (found[0], found[2]):
        sizes = tuple(found[1:] if found[0] == channels else found[:2])
    else:
        return ""
    if sizes[0] < height or sizes[1] < width:
        return f": resize them to {height}×{width}"
    if sizes == (height, width):
        return ""
    return f": crop them to the middle {height}×{width} pixels if they are padded, else resize them"


def arrange(array: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """A view of N samples with axes [N, *shape].

    Images may be [N, C, H, W], [N, H, W, C], and with one channel [N, H, W] or [N, H·W].

    Raises:
        GanbenchError: other axes, or no samples.
    """
    if array.ndim and array.shape[0] == 0:
        raise GanbenchError("it contains no samples")
    sample_shape = array.shape[1:]
    if array.ndim and sample_shape == shape:
        return array
    if array.ndim and len(shape) == 3:
        channels, height, width = shape
        if sample_shape == (height, width, channels):
            return np.moveaxis(array, -1, 1)
        if channels == 1 and sample_shape in ((height, width), (height * width,)):
            return array.reshape(-1, *shape)
        if sample_shape == (math.prod(shape),):
            raise GanbenchError(
                f"rows of {math.prod(shape)} numbers don't show whether their {channels} channels are interleaved: "
                f"reshape them to [N, {', '.join(map(str, shape))}]"
            )
    raise GanbenchError(
        f"samples must have shape [N, {', '.join(map(str, shape))}], not {list(array.shape)}"
        + size_hint(sample_shape, shape)
    )
