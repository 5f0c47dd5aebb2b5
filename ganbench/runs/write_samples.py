"""Samples as files that `ganbench evaluate` reads: an array, or a folder of PNGs."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ganbench.core.errors import GanbenchError
from ganbench.core.unfinished import remove_unfinished, unfinished_name, written_whole

ARRAYS = (".npz", ".npy")
MIN_DIGITS = 4
"""Digits in the names of pictures, so that few and many are sorted alike."""
NUMBERED = re.compile(r"[0-9]{4,}\.png")


def check_place(out: Path, shape: tuple[int, ...], force: bool) -> None:
    """Refuse a place to which samples of a shape can't be written, or at which something is already.

    Args:
        force: whether an earlier file may be replaced, and pictures put into a folder with others.

    Raises:
        GanbenchError: it is such a place.
    """
    if _is_array(out):
        if out.is_dir():
            raise GanbenchError(f"'{out}' is a folder, not a file: name another one")
        if out.exists() and not force:
            raise GanbenchError(f"'{out}' exists: name another file, or replace it with the option 'force'")
        return
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise GanbenchError(f"samples of shape {list(shape)} are no pictures: write them to an .npz or .npy file")
    if not out.is_dir():
        if out.exists() or out.suffix:
            raise GanbenchError(
                f"'{out}' is neither an .npz or .npy file nor a folder: name one of these (a new folder has no dot)"
            )
    elif not force and any(out.iterdir()):
        raise GanbenchError(
            f"the folder '{out}' is not empty: name another, or replace earlier samples with the option 'force'"
        )


def write_samples(samples: npt.NDArray[Any], out: Path) -> None:
    """Write samples to a file or a folder; after an error, nothing has changed.

    In a folder, pictures of an earlier call are replaced, and other files stay.

    Args:
        samples: images uint8 [N, C, H, W], points float32 [N, d].
        out: a name that ends in .npz (the array is called `samples`) or .npy; else a folder for `0000.png`, ….

    Raises:
        OSError: it can't be written.
    """
    if not _is_array(out):
        _write_pictures(samples, out)
        return
    with written_whole(out) as part, part.open("wb") as file:
        if out.suffix.lower() == ".npy":
            np.save(file, samples, allow_pickle=False)
        else:
            np.savez(file, samples=samples)


def _write_pictures(images: npt.NDArray[np.uint8], folder: Path) -> None:
    new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    remove_unfinished(folder)
    digits = max(MIN_DIGITS, len(str(len(images) - 1)))
    names = [f"{number:0{digits}}.png" for number in range(len(images))]
    try:
        with TemporaryDirectory(dir=folder, prefix=f"{unfinished_name()}-") as temporary:
            for name, image in zip(names, images, strict=True):
                pixels = image[0] if len(image) == 1 else np.moveaxis(image, 0, -1)
                Image.fromarray(np.ascontiguousarray(pixels)).save(Path(temporary) / name)
            for name in names:
                (Path(temporary) / name).replace(folder / name)
    except BaseException:
        if new:
            with suppress(OSError):  # the error to be seen is the first
                folder.rmdir()
        raise
    for earlier in {path.name for path in folder.iterdir() if NUMBERED.fullmatch(path.name)} - {*names}:
        (folder / earlier).unlink()


def _is_array(out: Path) -> bool:
    return out.suffix.lower() in ARRAYS
