"""Arrays in files of NumPy, read without pickles and without allocating more memory than the file fills."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any
from zipfile import ZipFile

import numpy as np
import numpy.typing as npt

from ganbench.core.errors import GanbenchError
from ganbench.data.array_headers import read_header
from ganbench.data.zips import BROKEN, LIMIT, in_short


def read_member(archive: ZipFile, name: str, path: Path) -> npt.NDArray[Any]:
    """Read an array from an `.npz` file, without unpickling and without allocating more than the file announces.

    Raises:
        GanbenchError: there is none of this name.
        ValueError: it is broken, or not an array of plain values.
    """
    if f"{name}.npy" not in archive.namelist():
        found = ", ".join(sorted(member.removesuffix(".npy") for member in archive.namelist())) or "none"
        raise GanbenchError(f"'{path}' has no array '{name}' (there are: {found}): write images and labels into it")
    info = archive.getinfo(f"{name}.npy")
    return _plain(lambda: archive.open(info), info.file_size, f"'{path}': '{name}'")


def read_npy(path: Path) -> npt.NDArray[Any]:
    """Read an `.npy` file in the same way.

    Raises:
        GanbenchError: it isn't one, is broken, or holds no plain values.
    """
    try:
        return _plain(lambda: path.open("rb"), path.stat().st_size, f"'{path}'")
    except FileNotFoundError as error:
        raise GanbenchError(f"there is no file '{path}'") from error
    except BROKEN as error:
        raise GanbenchError(
            f"'{path}' is not an .npy file, or is truncated or altered ({in_short(error)}): write it with np.save"
        ) from error


def _plain(open_again: Callable[[], IO[bytes]], length: int, what: str) -> npt.NDArray[Any]:
    with open_again() as file:
        shape, _, dtype = read_header(file)
        size = math.prod(shape) * dtype.itemsize
        if dtype.hasobject:
            raise GanbenchError(f"{what} holds Python objects, which are never read: convert it")
        if size != length - file.tell() or size > LIMIT:
            raise ValueError(f"the header of {what} announces {size:,} bytes")
    with open_again() as file:
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))
