"""Checks for samples from any source."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ganbench.core.errors import GanbenchError
from ganbench.evaluation.samples.layout import arrange, check_numbers
from ganbench.evaluation.samples.ranges import to_float, to_signed_range


def check_array(array: object, shape: tuple[int, ...], pixel_range: str | None = None, clip: bool = False) -> Tensor:
    """Convert a NumPy array or tensor of samples to float32 [N, *shape] in new memory, images in [−1, 1].

    Args:
        clip: whether to clip pixels outside the stated range.

    Raises:
        GanbenchError: wrong type, layout or range, an ambiguous range, no samples, or NaN among them.
    """
    return checked(array, shape, pixel_range, clip)[0]


def checked(array: object, shape: tuple[int, ...], pixel_range: str | None, clip: bool = False) -> tuple[Tensor, str]:
    """Do the same, and also return a description of the images' original range; empty for points."""
    numbers = _to_numpy(array)
    check_numbers(numbers.dtype, "the array")
    arranged = arrange(numbers, shape)
    if len(shape) == 3:
        values, words = to_signed_range(arranged, pixel_range, clip)
        return torch.from_numpy(values), words
    if pixel_range is not None:
        raise GanbenchError(f"points have no pixel range: leave out '{pixel_range}'")
    if clip:
        raise GanbenchError("points have no range to be clipped to: leave out --clip")
    if arranged.dtype.kind != "f":
        raise GanbenchError(f"points must be floats, not {arranged.dtype}: save them as float32")
    return torch.from_numpy(to_float(arranged)), ""


def _to_numpy(array: object) -> npt.NDArray[Any]:
    if isinstance(array, np.ma.MaskedArray) or not isinstance(array, np.ndarray | Tensor):
        raise GanbenchError(f"samples must be a NumPy array or a torch tensor, not {type(array).__name__}")
    if isinstance(array, np.ndarray):
        return array
    if array.layout != torch.strided or array.is_quantized or array.is_meta or array.is_nested:
        raise GanbenchError("samples must be a plain dense tensor, not a sparse, quantised, nested or meta one")
    tensor = array.detach().cpu().resolve_neg()
    # NumPy lacks bfloat16 and float8, and has all other types.
    narrow = tensor.is_floating_point() and tensor.dtype != torch.float64
    result: npt.NDArray[Any] = (tensor.float() if narrow else tensor.resolve_conj()).numpy()
    return result
