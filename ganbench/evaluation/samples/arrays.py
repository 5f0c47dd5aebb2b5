"""NumPy files, read without pickles and without allocating more memory than the file fills."""

from __future__ import annotations

import errno
import math
import shutil
import tempfile
from pathlib import Path
from typing import IO, Any, Literal
from zipfile import ZIP_STORED

import numpy as np
import numpy.typing as npt

from ganbench.core.errors import GanbenchError
from ganbench.data.array_headers import read_header
from ganbench.data.zips import BROKEN, LIMIT, content_offset, in_short, open_zip
from ganbench.evaluation.samples.layout import check_numbers

NAMES = ("samples", "images", "arr_0", "x")
"""Names by which the array with the samples is recognised if there are several."""

CHUNK = 1 << 20
"""Bytes that are read at once for a checksum."""

Array = npt.NDArray[Any]


def read_npy(path: Path) -> tuple[Array, str]:
    """The array of a `.npy` file, of any shape, and an empty description; it is read as it is used."""
    try:
        with path.open("rb") as file:
            _check_header(file, path.stat().st_size, f"'{path}'")
        return np.asarray(np.lib.format.open_memmap(path, mode="r")), ""
    except BROKEN as error:
        raise GanbenchError(
            f"'{path}' is not a NumPy file, or is truncated or altered ({in_short(error)}): write it with np.save"
        ) from error


def read_npz(path: Path) -> tuple[Array, str]:
    """The array of a `.npz` file that is the only one or has one of `NAMES`, and a description with its name.

    It is read as it is used, like that of a `.npy` file; if it is compressed, from an unnamed file in the temporary
    folder, into which it is unpacked.
    """
    with open_zip(path, "is not an .npz file: write it with np.savez(path, samples=…)") as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
        name = _choose(path, names)
        info = archive.getinfo(f"{name}.npy")
        with archive.open(info) as file:
            shape, columns_first, dtype = _check_header(file, info.file_size, f"'{path}' ('{name}')")
            order: Literal["F", "C"] = "F" if columns_first else "C"
            if 0 in shape:
                values = np.empty(shape, dtype, order)
            elif info.compress_type == ZIP_STORED:
                offset = content_offset(path, info) + file.tell()
                while file.read(CHUNK):
                    pass  # to the end, where the checksum is compared
                values = np.memmap(path, dtype, "r", offset, shape, order)
            else:
                with tempfile.TemporaryFile() as unpacked:  # gone when the array is no longer used
                    _unpack(path, file, unpacked)
                    values = np.memmap(unpacked, dtype, "r", 0, shape, order)
        return np.asarray(values), f" ('{name}')"


def _unpack(path: Path, file: IO[bytes], unpacked: IO[bytes]) -> None:
    """Copy the rest of a member to a temporary file.

    Raises:
        GanbenchError: the temporary folder has no room for it.
    """
    try:
        shutil.copyfileobj(file, unpacked, CHUNK)
        unpacked.flush()
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise  # of the archive, not of the folder
        raise GanbenchError(
            f"'{path}' is compressed, and the temporary folder '{tempfile.gettempdir()}' has no room to unpack it: set "
            f"$TMPDIR to another, or write it with np.savez, which doesn't compress"
        ) from error


def _choose(path: Path, names: list[str]) -> str:
    if not names:
        raise GanbenchError(f"'{path}' contains no array: write it with np.savez(path, samples=…)")
    chosen = names if len(names) == 1 else [name for name in NAMES if name in names]
    if not chosen:
        raise GanbenchError(
            f"'{path}' contains the arrays {', '.join(map(repr, sorted(names)))}: name the one with samples 'samples'"
        )
    return chosen[0]


def _check_header(file: IO[bytes], size: int, what: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Refuse everything but plain numbers that fill the file to its end.

    Returns:
        The shape, whether columns come first in memory (Fortran's order), and the type of the numbers.

    Raises:
        GanbenchError: the header is valid, but not that of samples.
        ValueError: it isn't a NumPy header.
    """
    shape, columns_first, dtype = read_header(file)
    check_numbers(dtype, what)
    count = math.prod(shape)
    if count * dtype.itemsize != size - file.tell():
        raise ValueError(f"its header announces {count * dtype.itemsize:,} bytes, but {size - file.tell():,} follow")
    if count * max(dtype.itemsize, 4) > LIMIT:
        raise GanbenchError(f"{what} takes more than {LIMIT >> 30} GiB as float32: give fewer samples")
    return shape, columns_first, dtype
