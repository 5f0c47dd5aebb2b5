"""The source of own data: a folder of pictures, an `.npz` file, or torchvision, read one picture after the other."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import numpy.typing as npt
from PIL import Image

from ganbench.core.errors import GanbenchError
from ganbench.core.picture_formats import FORMATS
from ganbench.data.own.arrays import read_member
from ganbench.data.own.pictures import Picture, read_picture
from ganbench.data.own.torchvision_source import PREFIX, read_torchvision
from ganbench.data.zips import in_short, open_zip

LABELS = "labels.csv"
"""A file with the columns `file` and `label`, in a folder that isn't sorted into classes."""
HOW = (
    "give a folder with a sub-folder of PNG, JPEG or WebP files for each class, a folder of such files with a "
    f"{LABELS}, an .npz file of images and labels, or torchvision:NAME; for images without labels, say --clusters "
    "NUMBER"
)
HOW_UNLABELLED = "give a folder of PNG, JPEG or WebP files, an .npz file of images, or torchvision:NAME"


@dataclass(frozen=True, eq=False)
class Source:
    """Pictures, with their labels if they have any.

    Attributes:
        labels: the class of each picture; empty words if their classes are unknown or unasked for.
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
        GanbenchError: there is no such file, folder or data set, or it isn't laid out as `HOW` says.
    """
    if path.is_dir():
        table = path / LABELS
        return _of_paths(path, *(_in_table(table, path) if table.is_file() else _in_folders(path)))
    if path.is_file() and path.suffix.lower() == ".npz":
        return _of_npz(path)
    if str(path).startswith(PREFIX):
        return _of_pictures(*read_torchvision(str(path)), path)
    raise _no_source(path, HOW)


def open_unlabelled(path: Path) -> Source:
    """Find the pictures of a source in a folder and its sub-folders, sorted by their paths in it, in a file, or in a
    data set of torchvision.

    Raises:
        GanbenchError: there is no such file, folder or data set, or it has no pictures.
    """
    if path.is_dir():
        return _all_in(path)
    if path.is_file() and path.suffix.lower() == ".npz":
        return _of_npz_without_labels(path)
    if str(path).startswith(PREFIX):
        pictures, labels = read_torchvision(str(path))
        return replace(_of_pictures(pictures, ("",) * len(labels), path), notes=("labels ignored",))
    raise _no_source(path, HOW_UNLABELLED)


def _no_source(path: Path, how: str) -> GanbenchError:
    wrong = "is neither a folder nor an .npz file" if path.exists() else "is not there"
    return GanbenchError(f"'{path}' {wrong}: {how}")


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


def _all_in(root: Path) -> Source:
    """All pictures in a folder and its sub-folders; whatever says what they are is left aside."""
    found = []
    for path in _visible(root):
        if path.is_dir():
            _refuse_outside(path, root)
            found += list(_visible(path))
        else:
            found.append(path)
    paths = sorted(path for path in found if path.suffix.lower() in FORMATS)
    if not paths:
        raise GanbenchError(f"'{root}' has no pictures: {HOW_UNLABELLED}")
    in_folders = sum(path.parent != root for path in paths)
    source = _of_paths(root, paths, [""] * len(paths), len(found) - len(paths))
    labels = (f"labels ignored: {in_folders:,} images are in sub-folders",) if in_folders else ()
    return replace(source, notes=(*labels, *source.notes))


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
    with _open_npz(path) as archive:
        images, labels = (read_member(archive, name, path) for name in ("images", "labels"))
    pictures = _pictures(images, path)
    if labels.ndim != 1 or labels.dtype.kind not in "iuU":
        raise GanbenchError(
            f"'{path}': labels must be one whole number or word for each image, not {labels.dtype} {list(labels.shape)}"
        )
    if len(labels) != len(pictures):
        raise GanbenchError(f"'{path}' has {len(pictures):,} images, but {len(labels):,} labels")
    return _of_pictures(pictures, tuple(map(str, labels.tolist())), path)


def _of_npz_without_labels(path: Path) -> Source:
    with _open_npz(path) as archive:
        pictures = _pictures(read_member(archive, "images", path), path)
        notes = ("labels ignored",) if "labels.npy" in archive.namelist() else ()
    return replace(_of_pictures(pictures, ("",) * len(pictures), path), notes=notes)


def _open_npz(path: Path) -> AbstractContextManager[ZipFile]:
    return open_zip(path, "is not an .npz file: write it with np.savez(path, images=…, labels=…)")


def _of_pictures(pictures: npt.NDArray[np.uint8], labels: tuple[str, ...], path: Path) -> Source:
    def read(number: int) -> Picture:
        return Picture(Image.fromarray(pictures[number]), "")

    return Source(labels, read, lambda number: f"image {number} of '{path}'")


def _pictures(images: npt.NDArray[Any], path: Path) -> npt.NDArray[np.uint8]:
    """Images as uint8 [N, H, W] or [N, H, W, 3]."""
    if images.dtype != np.uint8:
        raise GanbenchError(f"'{path}': images must be uint8, 0 to 255, not {images.dtype}")
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
