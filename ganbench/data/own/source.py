"""The source of own data: a folder of class sub-folders or an `.npz` file, read one picture after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ganbench.core.errors import GanbenchError
from ganbench.data.own.arrays import read_member
from ganbench.data.own.pictures import FORMATS, Picture, read_picture
from ganbench.data.zips import open_zip

HOW = "give a folder with a sub-folder of PNG, JPEG or WebP files for each class, or an .npz file of images and labels"


@dataclass(frozen=True, eq=False)
class Source:
    """Labelled pictures.

    Attributes:
        labels: the class of each picture.
        read: returns a picture by its number.
        where: returns words that name a picture by its number.
        notes: sentences on what was ignored.
    """

    labels: tuple[str, ...]
    read: Callable[[int], Picture]
    where: Callable[[int], str]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)


def open_source(path: Path) -> Source:
    """Find the labelled pictures of a source, without reading them all.

    Raises:
        GanbenchError: there is no such file or folder, or it isn't laid out as `HOW` says.
    """
    if path.is_dir():
        return _of_folder(path)
    if path.is_file() and path.suffix.lower() == ".npz":
        return _of_npz(path)
    raise GanbenchError(
        f"'{path}' {'is neither a folder nor an .npz file' if path.exists() else 'is not there'}: {HOW}"
    )


def _of_folder(root: Path) -> Source:
    paths: list[Path] = []
    ignored = 0
    for folder in sorted(_visible(root)):
        if not folder.is_dir():
            ignored += 1
            continue
        _refuse_outside(folder, root)
        found = sorted(_visible(folder))
        pictures = [path for path in found if path.suffix.lower() in FORMATS]
        ignored += len(found) - len(pictures)
        paths += pictures
    if not paths:
        raise GanbenchError(f"'{root}' has no sub-folders with pictures: {HOW}")

    def read(number: int) -> Picture:
        _refuse_outside(paths[number], root)
        if not paths[number].is_file():
            raise GanbenchError(f"'{paths[number]}' is not a file, or is a broken link: remove it")
        return read_picture(paths[number])

    notes = (f"{ignored:,} other files or folders ignored",) if ignored else ()
    return Source(tuple(path.parent.name for path in paths), read, lambda number: f"'{paths[number]}'", notes)


def _visible(folder: Path) -> Iterator[Path]:
    try:
        yield from (Path(entry.path) for entry in os.scandir(folder) if not entry.name.startswith("."))
    except OSError as error:
        raise GanbenchError(f"'{folder}' can't be read: {error.strerror or error}") from error


def _refuse_outside(path: Path, root: Path) -> None:
    """Refuse a link that leads out of the folder: somebody else's folder could show us any file."""
    if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
        raise GanbenchError(f"'{path}' is a link that leads out of '{root}': copy the files into the folder")


def _of_npz(path: Path) -> Source:
    with open_zip(path, "is not an .npz file: write it with np.savez(path, images=…, labels=…)") as archive:
        images, labels = (read_member(archive, name, path) for name in ("images", "labels"))
    if images.dtype != np.uint8:
        raise GanbenchError(f"'{path}': images must be uint8, 0 to 255, not {images.dtype}")
    if labels.ndim != 1 or labels.dtype.kind not in "iuU":
        raise GanbenchError(
            f"'{path}': labels must be one whole number or word for each image, not {labels.dtype} {list(labels.shape)}"
        )
    if len(labels) != len(images):
        raise GanbenchError(f"'{path}' has {len(images):,} images, but {len(labels):,} labels")
    pictures = _channels_last(images, path)

    def read(number: int) -> Picture:
        return Picture(Image.fromarray(pictures[number]), "")

    return Source(tuple(map(str, labels.tolist())), read, lambda number: f"image {number} of '{path}'")


def _channels_last(images: npt.NDArray[Any], path: Path) -> npt.NDArray[Any]:
    """Images as [N, H, W] or [N, H, W, 3]."""
    if images.ndim == 3 and 0 not in images.shape:
        return images
    if images.ndim == 4 and 0 not in images.shape:
        first, last = images.shape[1] in (1, 3), images.shape[3] in (1, 3)
        if first != last:
            images = np.moveaxis(images, 1, -1) if first else images
            return np.ascontiguousarray(images[..., 0] if images.shape[-1] == 1 else images)
    raise GanbenchError(
        f"'{path}': images must be [N, H, W], [N, H, W, C] or [N, C, H, W] with 1 or 3 channels, not "
        f"{list(images.shape)}"
    )
