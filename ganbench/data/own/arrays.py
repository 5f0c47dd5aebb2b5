"""Arrays in `.npz` files, read without pickles and without allocating more memory than the file fills."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import numpy.typing as npt

from ganbench.core.errors import GanbenchError
from ganbench.data.array_headers import read_header
from ganbench.data.zips import LIMIT


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
    with archive.open(info) as file:
        shape, _, dtype = read_header(file)
        size = math.prod(shape) * dtype.itemsize
        if dtype.hasobject:
            raise GanbenchError(f"'{path}': '{name}' holds Python objects, which are never read: convert it")
        if size != info.file_size - file.tell() or size > LIMIT:
            raise ValueError(f"the header of '{name}' announces {size:,} bytes")
    with archive.open(info) as file:
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))
