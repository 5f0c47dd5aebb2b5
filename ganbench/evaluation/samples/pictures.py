"""Folders of pictures, and of sub-folders with them, such as one for each class: one sample per file, by path."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ganbench.core.errors import GanbenchError
from ganbench.core.formatting import listed
from ganbench.core.picture_formats import FORMATS
from ganbench.data.unreadable import UNREADABLE
from ganbench.data.zips import LIMIT, in_short
from ganbench.evaluation.samples.layout import size_hint

NONE = "'{}' has no pictures (.png, .jpg, .webp), and its sub-folders have none"
"""The message of a folder without pictures."""


def read_pictures(folder: Path, shape: tuple[int, ...], most: int | None) -> tuple[npt.NDArray[np.uint8], str]:
    """The PNGs, JPEGs and WebPs in a folder and in its sub-folders, uint8 [N, C, H, W], and a short description.

    They are one set of samples: which mode a sample belongs to is the evaluator's to say, not the folder's. Hidden
    files and folders are skipped, and links to folders aren't followed.

    Images must be grey for one channel, or RGB for three; if one channel is expected, RGB images with equal channels
    are also accepted, since many programs write grey images this way.

    Raises:
        GanbenchError: there are none, or one is unreadable or of another size or kind.
    """
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise GanbenchError(
            f"'{folder}' is a folder, which should contain pictures, but samples of shape {list(shape)} are not images"
        )
    try:
        paths = sorted(find_pictures(folder))
    except OSError as error:
        raise GanbenchError(f"'{error.filename or folder}' can't be read: {error.strerror or error}") from error
    if not paths:
        raise GanbenchError(NONE.format(folder))
    sub_folders = len({path.parent for path in paths} - {folder})
    paths = paths[:most]
    if len(paths) * np.prod(shape) * 4 > LIMIT:
        raise GanbenchError(f"'{folder}' takes more than {LIMIT >> 30} GiB as float32: give fewer samples")
    images = np.empty((len(paths), *shape), np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        for image, path in zip(images, paths, strict=True):
            image[:] = _read(path, shape)
    used = {_format(path) for path in paths}
    kinds = listed([f"{kind}s" for kind in dict.fromkeys(FORMATS.values()) if kind in used])
    return images, f" ({kinds}, {sub_folders:,} sub-folder{'s' * (sub_folders > 1)})" if sub_folders else f" ({kinds})"


def picture_shape(folder: Path) -> tuple[int, int, int]:
    """The shape [C, H, W] of the first picture of a folder, which `read_pictures` demands of all.

    Raises:
        GanbenchError: there is none, or it can't be read.
    """
    try:
        paths = sorted(find_pictures(folder))
        if not paths:
            raise GanbenchError(NONE.format(folder))
        with Image.open(paths[0], formats=(_format(paths[0]),)) as image:
            return (3 if image.mode == "RGB" else 1, image.height, image.width)
    except OSError as error:
        raise GanbenchError(f"'{error.filename or folder}' can't be read: {error.strerror or error}") from error
    except UNREADABLE as error:
        raise GanbenchError(
            f"'{paths[0]}' is not a {_format(paths[0])}, or is truncated or altered ({in_short(error)})"
        ) from error


def find_pictures(folder: Path) -> Iterator[Path]:
    """The pictures in a folder and its sub-folders, in no order.

    Raises:
        OSError: a folder can't be read.
    """

    def refuse(error: OSError) -> None:
        raise error  # else the samples of a class would be left out without a word

    for inner, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if name[0] != "."]
        for name in names:
            if name[0] != "." and Path(name).suffix.lower() in FORMATS:
                yield Path(inner) / name


def _format(path: Path) -> str:
    """Pillow's name of a picture's format, by the ending of its name."""
    return FORMATS[path.suffix.lower()]


def _read(path: Path, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Read one picture, uint8 [C, H, W]."""
    channels, height, width = shape
    if not path.is_file():
        raise GanbenchError(f"'{path}' is not a file, or is a broken link: remove it")
    try:
        with Image.open(path, formats=(_format(path),)) as image:
            image.verify()  # verifies checksums, which decoding ignores; the file must then be reopened
        with Image.open(path, formats=(_format(path),)) as image:
            # Checked before decoding: a picture of the right size is no decompression bomb.
            if image.size != (width, height):
                raise GanbenchError(
                    f"'{path}' is {image.width}×{image.height} pixels, but all must be {width}×{height}"
                    + size_hint((image.height, image.width), (1, height, width))
                )
            if image.mode not in ("1", "L", "RGB"):
                raise GanbenchError(f"'{path}' has mode {image.mode}: save it as grey (L) or RGB, 8 bits per channel")
            pixels = np.asarray(image.convert("L") if image.mode == "1" else image).reshape(height, width, -1)
    except UNREADABLE as error:
        raise GanbenchError(
            f"'{path}' is not a {_format(path)}, or is truncated or altered ({in_short(error)}): create it again"
        ) from error
    if channels == 1 and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., :1]
    if pixels.shape[-1] != channels:
        wanted = "grey" if channels == 1 else "RGB"
        raise GanbenchError(f"'{path}' is {'grey' if channels == 3 else 'coloured'} but must be {wanted}")
    return np.moveaxis(pixels, -1, 0)
