"""Headers of NumPy's arrays, which are read and checked before anything is allocated for the array."""

from __future__ import annotations

import warnings
from typing import IO, Any

import numpy as np


def read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read the header of an array, up to where its numbers begin.

    Returns:
        The shape, whether columns come first in memory (Fortran's order), and the type of the numbers.

    Raises:
        ValueError: it isn't a NumPy header, or has an impossible shape.
    """
    version = np.lib.format.read_magic(file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a Python 2 header, which is readable nevertheless
        if version == (1, 0):
            shape, columns_first, dtype = np.lib.format.read_array_header_1_0(file)
        elif version == (2, 0):
            shape, columns_first, dtype = np.lib.format.read_array_header_2_0(file)
        else:
            raise ValueError(f"version {version} of NumPy's format")
    if any(isinstance(length, bool) or length < 0 for length in shape):
        raise ValueError(f"the shape {shape}")
    return shape, columns_first, dtype
