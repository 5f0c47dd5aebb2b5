"""The folder of an own data set: written aside and renamed when complete, so that it is whole or not there."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ganbench.core.errors import GanbenchError
from ganbench.core.own_data import CARD, PARTS, Card, own_data_folder, own_names
from ganbench.core.registry import near_miss
from ganbench.data.own.arrays import read_member
from ganbench.data.zips import open_zip

DATA = "data.npz"
READABLE = "card.txt"
UNFINISHED = ".unfinished-"
"""Beginning of the names of folders that are being written; no data set's name begins like this."""
ABANDONED = 3600.0
"""Seconds after which an unfinished folder is nobody's: to write one takes seconds."""

Arrays = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.uint8]]


@contextmanager
def written_whole(folder: Path) -> Iterator[Path]:
    """Yield a folder beside this one, which takes its name at the end; after an error nothing is left of it.

    Raises:
        GanbenchError: the place can't be written, the disk is full, or there is such a folder already.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(folder.parent)
        temporary = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder.parent))
        try:
            yield temporary
            temporary.chmod(0o755)
            temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise GanbenchError(f"'{folder}' can't be written ({error.strerror or error}): nothing was kept") from error


def _remove_leftovers(parent: Path) -> None:
    """Remove unfinished folders of killed processes."""
    for leftover in parent.glob(f"{UNFINISHED}*"):
        with suppress(OSError):  # another process removes it as well
            if time.time() - leftover.stat().st_mtime > ABANDONED:
                shutil.rmtree(leftover, ignore_errors=True)


def readable_card(name: str) -> str:
    """The readable card of an own data set.

    Raises:
        GanbenchError: there is no such data set, or it has none.
    """
    path = existing_folder(name) / READABLE
    try:
        return path.read_text(encoding="utf-8").rstrip()
    except (OSError, ValueError) as error:
        raise GanbenchError(f"'{path}' is missing or damaged: remove the data set and add it again") from error


def remove_folder(name: str) -> None:
    """Remove an own data set: it is renamed first, so that it is whole or not there.

    Raises:
        GanbenchError: there is none of this name, or it can't be removed.
    """
    folder = existing_folder(name)
    try:
        aside = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder.parent))
        folder.rename(aside / name)
        shutil.rmtree(aside)
    except OSError as error:
        raise GanbenchError(f"'{folder}' can't be removed ({error.strerror or error})") from error


def existing_folder(name: str) -> Path:
    """The folder of an own data set.

    Raises:
        GanbenchError: there is none of this name.
    """
    if name not in own_names():
        raise GanbenchError(f"you have no data set '{name}': {near_miss(name, own_names())}")
    return own_data_folder() / name


def data_sha256(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64], parts: npt.NDArray[np.uint8]) -> str:
    """SHA-256 of images, labels and parts, and of the shape of the images."""
    digest = hashlib.sha256(json.dumps(images.shape).encode())
    for array in (images, labels.astype("<i8"), parts):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def write_folder(folder: Path, card: Card, arrays: Arrays, weights: bytes, model: dict[str, Any], text: str) -> None:
    """Write data, card, weights, model card and readable text into an empty folder."""
    images, labels, parts = arrays
    np.savez(folder / DATA, images=images, labels=labels, parts=parts)
    (folder / f"{card.evaluator}.safetensors").write_bytes(weights)
    (folder / f"{card.evaluator}.json").write_text(json.dumps(model, indent=2) + "\n", encoding="utf-8")
    (folder / CARD).write_text(card.to_json() + "\n", encoding="utf-8")
    (folder / READABLE).write_text(text + "\n", encoding="utf-8")


def read_images(folder: Path, card: Card) -> Arrays:
    """Images, uint8 [N, C, H, W], their labels, int64 [N], and their parts, uint8 [N].

    Raises:
        GanbenchError: they are missing, damaged, or not those of the card.
    """
    path = folder / DATA
    with open_zip(path, "is not an .npz file: remove the data set and add it again") as archive:
        images, labels, parts = (read_member(archive, name, path) for name in ("images", "labels", "parts"))
    count = sum(card.images)
    expected = ((np.uint8, (count, *card.shape)), (np.int64, (count,)), (np.uint8, (count,)))
    for array, (dtype, shape) in zip((images, labels, parts), expected, strict=True):
        if array.dtype != dtype or array.shape != shape:
            raise GanbenchError(f"'{path}' is not what its card says: remove the data set and add it again")
    if data_sha256(images, labels, parts) != card.data_sha256 or not _counted(labels, parts, card):
        raise GanbenchError(f"'{path}' was altered (another SHA-256): remove the data set and add it again")
    return images, labels, parts


def _counted(labels: npt.NDArray[np.int64], parts: npt.NDArray[np.uint8], card: Card) -> bool:
    """Return whether the card counts these labels and parts rightly."""
    if labels.min() < 0 or labels.max() >= len(card.classes) or parts.max() >= len(PARTS):
        return False
    table = np.zeros((len(card.classes), len(PARTS)), int)
    np.add.at(table, (labels, parts), 1)
    return bool((table == np.array(card.counts)).all())
