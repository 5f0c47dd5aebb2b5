"""Data sets of torchvision as a source: the files that it downloads, verified by its checksums, in their own formats.

CIFAR's files are pickles, which are programs. They are not run: the numbers and words in them are picked out, whose
order is known, since the checksum fixes all bytes.
"""

from __future__ import annotations

import hashlib
import pickletools
import socket
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ganbench.core.errors import GanbenchError
from ganbench.data.fetch import cache_folder
from ganbench.data.idx import read_idx
from ganbench.data.zips import in_short

PREFIX = "torchvision:"
"""Beginning of a source that names a data set of torchvision: `torchvision:NAME`, or `torchvision:NAME:FOLDER`."""
PATIENCE = 30.0
"""Seconds without data after which a download is abandoned."""
BROKEN = (
    *(OSError, EOFError, MemoryError, struct.error),
    *(ValueError, TypeError, LookupError, AttributeError, RuntimeError, OverflowError),
)
"""Exceptions that reading a damaged file, or a download that fails, can raise."""

CIFAR_PIXELS = 3 * 32 * 32
VALUES = {"BININT", "BININT1", "BININT2", "BINSTRING", "SHORT_BINSTRING"}
"""The instructions of a pickle of Python 2 that hold a number or bytes."""

Value = TypeVar("Value", int, str)
Pixels = npt.NDArray[np.uint8]
Part = tuple[Pixels, Sequence[int]]
"""Images, uint8 [N, H, W] or [N, H, W, 3], and the number of the class of each."""


@dataclass(frozen=True)
class Format:
    """A format of torchvision's data sets; each function receives the class of the data set in torchvision.

    Attributes:
        files: returns the MD5 sums of the files by their paths in the folder; empty where none is published.
        download: downloads and unpacks them into a folder; what has another MD5 sum than published is refused.
        parts: yields the parts into which the images were split.
        classes: returns the names of the classes.
    """

    files: Callable[[Any], Mapping[str, str]]
    download: Callable[[Any, Path], None]
    parts: Callable[[Any, Path], Iterator[Part]]
    classes: Callable[[Any, Path], Sequence[str]]


def read_torchvision(source: str) -> tuple[Pixels, tuple[str, ...]]:
    """Read all labelled images of a data set, of all its parts.

    Args:
        source: `torchvision:NAME`, whose files are downloaded into ganbench's cache if they aren't there; or
            `torchvision:NAME:FOLDER`, to read those that torchvision keeps in this folder, its `root`.

    Returns:
        Images, uint8 [N, H, W] or [N, H, W, 3], and the name of the class of each.

    Raises:
        GanbenchError: a data set that isn't among `FORMATS`, or files that aren't there, can't be downloaded, or aren't
            the published ones.
    """
    name, _, folder = source.removeprefix(PREFIX).partition(":")
    if name not in FORMATS:
        raise GanbenchError(
            f"'{name}' isn't a data set of torchvision that can be added: choose one of {', '.join(FORMATS)}, or save "
            f"its images into a folder for each class"
        )
    from torchvision import datasets  # slow to import

    form, published = FORMATS[name], getattr(datasets, name)
    root = Path(folder).expanduser() if folder else cache_folder() / "torchvision"
    files = form.files(published)
    if not folder and not all((root / file).is_file() for file in files):
        _download(name, form, published, root)
    for file, md5 in files.items():
        _check(root / file, md5, f"{PREFIX}{name}")
    try:
        parts = list(form.parts(published, root))
        classes = [word.replace("/", " ") for word in form.classes(published, root)]
        for images, labels in parts:
            if len(images) != len(labels) or images.dtype != np.uint8:
                raise ValueError("images and labels don't belong together")
        labelled = tuple(classes[label] for _, labels in parts for label in labels)
        return np.concatenate([images for images, _ in parts]), labelled
    except BROKEN as error:
        raise GanbenchError(f"{name} in '{root}' is truncated or altered ({in_short(error)}): remove it") from error


def _download(name: str, form: Format, published: Any, root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _impatient():
            form.download(published, root)
    except BROKEN as error:  # torchvision's error for a wrong checksum is a RuntimeError
        raise GanbenchError(
            f"{name} can't be downloaded ({in_short(error)}): if torchvision has it in a folder, say "
            f"{PREFIX}{name}:FOLDER"
        ) from error


@contextmanager
def _impatient() -> Iterator[None]:
    """Give up connections without data: torchvision waits for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _check(path: Path, md5: str, source: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except OSError as error:
        raise GanbenchError(
            f"'{path}' can't be read ({error.strerror or error}): in {source}:FOLDER, FOLDER is the `root` that "
            f"torchvision was given; without it, the data are downloaded"
        ) from error
    if md5 and found != md5:
        raise GanbenchError(f"'{path}' isn't the published file (wrong MD5 sum): remove it, and download it again")


def _values(path: Path) -> list[int | str]:
    """The numbers and words in a pickle, in their order, bytes as Latin-1: its instructions are read, none is run."""
    instructions = pickletools.genops(path.read_bytes())
    return [value for code, value, _ in instructions if code.name in VALUES and isinstance(value, int | str)]


def _after(word: str, values: list[int | str], kind: type[Value]) -> list[Value]:
    """The values of a kind that follow a word, up to one of another kind."""
    following = values[values.index(word) + 1 :]
    return [value for value in takewhile(lambda value: isinstance(value, kind), following) if isinstance(value, kind)]


def _cifar_files(published: Any) -> dict[str, str]:
    named = [*published.train_list, *published.test_list, (published.meta["filename"], published.meta["md5"])]
    return {f"{published.base_folder}/{name}": md5 for name, md5 in named}


def _cifar_parts(published: Any, root: Path) -> Iterator[Part]:
    for name, _ in (*published.train_list, *published.test_list):
        values = _values(root / published.base_folder / name)
        labels = _after("labels" if "labels" in values else "fine_labels", values, int)
        pixels = next(value for value in values if isinstance(value, str) and len(value) == len(labels) * CIFAR_PIXELS)
        images = np.frombuffer(pixels.encode("latin1"), np.uint8).reshape(-1, 3, 32, 32)
        yield images.transpose(0, 2, 3, 1), labels


def _cifar_classes(published: Any, root: Path) -> Sequence[str]:
    values = _values(root / published.base_folder / published.meta["filename"])
    return _after(published.meta["key"], values, str)


def _download_archive(published: Any, root: Path) -> None:
    from torchvision.datasets.utils import download_and_extract_archive

    download_and_extract_archive(published.url, root, filename=published.filename, md5=published.tgz_md5)


def _idx_files(published: Any) -> dict[str, str]:
    return {f"{published.__name__}/raw/{name.removesuffix('.gz')}": "" for name, _ in published.resources}


def _idx_parts(published: Any, root: Path) -> Iterator[Part]:
    for part in ("train", "t10k"):
        images, labels = (
            read_idx(root / published.__name__ / "raw" / f"{part}-{what}-ubyte")
            for what in ("images-idx3", "labels-idx1")
        )
        yield images, labels.tolist()


def _idx_classes(published: Any, root: Path) -> Sequence[str]:
    return list(published.classes)


def _download_idx(published: Any, root: Path) -> None:
    from torchvision.datasets.utils import download_and_extract_archive

    folder = root / published.__name__ / "raw"
    for name, md5 in published.resources:
        for mirror in published.mirrors:
            try:
                download_and_extract_archive(f"{mirror}{name}", folder, filename=name, md5=md5)
                break
            except (OSError, RuntimeError):
                if mirror == published.mirrors[-1]:
                    raise


def _svhn_splits(published: Any) -> list[tuple[str, str, str]]:
    return [published.split_list[split] for split in ("train", "test")]


def _svhn_parts(published: Any, root: Path) -> Iterator[Part]:
    from scipy.io import loadmat

    for _, name, _ in _svhn_splits(published):
        content = loadmat(root / name, variable_names=("X", "y"))
        yield content["X"].transpose(3, 0, 1, 2), (content["y"].ravel() % 10).tolist()  # 10 stands for 0


def _download_svhn(published: Any, root: Path) -> None:
    from torchvision.datasets.utils import download_url

    for url, name, md5 in _svhn_splits(published):
        download_url(url, root, name, md5)


def _stl10_files(published: Any) -> dict[str, str]:
    labelled = [*published.train_list[:2], *published.test_list, (published.class_names_file, "")]
    return {f"{published.base_folder}/{name}": md5 for name, md5 in labelled}


def _stl10_parts(published: Any, root: Path) -> Iterator[Part]:
    for part in (published.train_list[:2], published.test_list):
        images, labels = (np.fromfile(root / published.base_folder / name, np.uint8) for name, _ in part)
        yield images.reshape(-1, 3, 96, 96).transpose(0, 3, 2, 1), (labels.astype(int) - 1).tolist()


def _stl10_classes(published: Any, root: Path) -> Sequence[str]:
    file = root / str(published.base_folder) / str(published.class_names_file)
    return file.read_text(encoding="utf-8").split()


IDX = Format(_idx_files, _download_idx, _idx_parts, _idx_classes)
CIFAR = Format(_cifar_files, _download_archive, _cifar_parts, _cifar_classes)
SVHN = Format(
    lambda published: {name: md5 for _, name, md5 in _svhn_splits(published)},
    _download_svhn,
    _svhn_parts,
    lambda published, root: [str(digit) for digit in range(10)],
)
STL10 = Format(_stl10_files, _download_archive, _stl10_parts, _stl10_classes)
FORMATS: Mapping[str, Format] = {
    **dict.fromkeys(("CIFAR10", "CIFAR100"), CIFAR),
    "SVHN": SVHN,
    "STL10": STL10,
    **dict.fromkeys(("MNIST", "FashionMNIST", "KMNIST"), IDX),
}
"""The data sets of torchvision that can be added."""
