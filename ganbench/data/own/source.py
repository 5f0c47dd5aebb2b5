"""The source of own data: a folder of pictures or an `.npz` file, read one picture after the other."""

from __future__ import annotations

import csv
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
from ganbench.data.zips import in_short, open_zip

LABELS = "labels.csv"
"""A file with the columns `file` and `label`, in a folder that isn't sorted into classes."""
HOW = (
    "give a folder with a sub-folder of PNG, JPEG or WebP files for each class, a folder of such files with a "
    f"{LABELS}, or an .npz file of images and labels"
)


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
        table = path / LABELS
        return _of_paths(path, *(_in_table(table, path) if table.is_file() else _in_folders(path)))
    if path.is_file() and path.suffix.lower() == ".npz":
        return _of_npz(path)
    wrong = "is neither a folder nor an .npz file" if path.exists() else "is not there"
    raise GanbenchError(f"'{path}' {wrong}: {HOW}")


def _in_folders(root: Path) -> tuple[list[Path], list[str], int]:
    """The pictures in sub-folders, their classes, and the number of other files."""
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
    return paths, [path.parent.name for path in paths], ignored


def _in_table(table: Path, root: Path) -> tuple[list[Path], list[str], int]:
    """The pictures that the table of labels names, their classes, and no other files.

    Raises:
        GanbenchError: it isn't such a table, or names a file twice, or one that isn't there or isn't a picture.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if not {"file", "label"} <= set(rows.fieldnames or ()):
                raise GanbenchError(f"'{table}' must begin with the line file,label: one row for each picture follows")
            named = [((row["file"] or "").strip(), (row["label"] or "").strip()) for row in rows]
    except (OSError, ValueError, csv.Error) as error:
        raise GanbenchError(f"'{table}' can't be read ({in_short(error)}): write it as UTF-8 text") from error
    if not named:
        raise GanbenchError(f"'{table}' names no pictures")
    seen: set[str] = set()
    for number, (name, label) in enumerate(named, 2):
        wrong = "has no label" if not label else "is named twice" if name in seen else _unusable(root / name, root)
        if wrong:
            raise GanbenchError(f"'{table}', line {number}: '{name}' {wrong}")
        seen.add(name)
    return [root / name for name, _ in named], [label for _, label in named], 0


def _unusable(path: Path, root: Path) -> str:
    """Words that say why a named file isn't a picture in the folder; empty if it is."""
    if not path.resolve().is_relative_to(root.resolve()):
        return "is not in the folder"
    if path.suffix.lower() not in FORMATS:
        return "is no PNG, JPEG or WebP file"
    return "" if path.is_file() else "is not there"


def _of_paths(root: Path, paths: list[Path], labels: list[str], ignored: int) -> Source:
    def read(number: int) -> Picture:
        _refuse_outside(paths[number], root)
        if not paths[number].is_file():
            raise GanbenchError(f"'{paths[number]}' is not a file, or is a broken link: remove it")
        return read_picture(paths[number])

    notes = (f"{ignored:,} other files or folders ignored",) if ignored else ()
    return Source(tuple(labels), read, lambda number: f"'{paths[number]}'", notes)


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
