"""Pictures of a source brought to one size and colour, and checked: what is wrong is said in one line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ganbench.core.errors import GanbenchError
from ganbench.core.own_data import CLASS_NAME, PARTS, Clustering
from ganbench.core.plain_text import one_line
from ganbench.core.registry import near_miss
from ganbench.data.own.pictures import Colour
from ganbench.data.own.recipe import Progress
from ganbench.data.own.source import Source
from ganbench.data.own.split import SHARES, TRAIN, content_hashes, part_of
from ganbench.data.zips import LIMIT

MIN_SIDE, MAX_SIDE, STEP = 28, 128, 4
"""Least and greatest side of images in pixels; it is a multiple of 4, since convolutional networks halve it twice."""
MIN_TRAIN = 1_000
"""Least number of training images: protocols score no fewer than 500 samples, half of these."""
MIN_PART = 5
"""Least number of images of each class in each part."""
MAX_CLASSES = 1_000


@dataclass(frozen=True, eq=False)
class Prepared:
    """Images of one size, sorted by the hashes of their content.

    Attributes:
        images: uint8 [N, C, S, S].
        labels: int64 [N], the class of each.
        parts: uint8 [N], the part of each, as in `split`.
        classes: the names of the classes.
        notes: sentences on what was done.
        clustering: how classes were found that are clusters.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    parts: npt.NDArray[np.uint8]
    classes: tuple[str, ...]
    notes: tuple[str, ...]
    clustering: Clustering | None = None

    @property
    def counts(self) -> tuple[tuple[int, int, int], ...]:
        """For each class, the number of its images in each part."""
        table = np.zeros((len(self.classes), len(PARTS)), int)
        np.add.at(table, (self.labels, self.parts), 1)
        return tuple((int(train), int(reference), int(evaluation)) for train, reference, evaluation in table)


def prepare(
    source: Source, size: int | None, colour: Colour | None, drop: Collection[str], progress: Progress
) -> Prepared:
    """Read, convert, and check all pictures.

    Args:
        size: side of the images in pixels; by default that of the pictures, if all are squares of one usable size.
        colour: whether to keep colour; by default, if any picture has colour.
        drop: classes to leave out.

    Raises:
        GanbenchError: pictures that can't be read, a size that must be stated, too few images or classes.
    """
    for name in drop:
        if name not in source.labels:
            raise GanbenchError(f"there is no class '{name}' to drop: {near_miss(name, set(source.labels))}")
    chosen = [number for number, label in enumerate(source.labels) if label not in drop]
    classes = tuple(sorted({source.labels[number] for number in chosen}, key=_in_order))
    _check_classes(classes)
    check_size(size)
    pixels, notes = read_pixels(source, chosen, size, colour, progress)
    index_of = {name: index for index, name in enumerate(classes)}
    labels = np.array([index_of[source.labels[number]] for number in chosen])
    rows, parts, said = without_copies(pixels, labels)
    left_out = (f"classes left out: {', '.join(sorted(drop))}",) if drop else ()
    prepared = Prepared(pixels[rows], labels[rows], parts, classes, (*source.notes, *left_out, *notes, *said))
    few = few_images(prepared)
    if few:
        raise GanbenchError(
            f"too few images, without duplicates, in {few}: of each class about {least_of_class()} are needed, so that "
            f"{MIN_PART} are in each part; add images, or leave classes out with --drop CLASS"
        )
    check_training(parts)
    return prepared


def check_size(size: int | None) -> None:
    """Refuse a size that networks can't have.

    Raises:
        GanbenchError: it isn't a multiple of 4, too small, or too large.
    """
    if size is not None and (not MIN_SIDE <= size <= MAX_SIDE or size % STEP):
        raise GanbenchError(f"the size must be a multiple of {STEP} from {MIN_SIDE} to {MAX_SIDE} pixels, not {size}")


def _in_order(name: str) -> tuple[int, str]:
    """Sort numbers by value, before words."""
    return (int(name), name) if name.isascii() and name.isdigit() and len(name) < 16 else (10**16, name)


def _check_classes(classes: tuple[str, ...]) -> None:
    if len(classes) < 2:
        only = f"only the class '{one_line(classes[0])}'" if classes else "no class left"
        raise GanbenchError(f"there is {only}: at least two are needed")
    if len(classes) > MAX_CLASSES:
        raise GanbenchError(f"there are {len(classes):,} classes: at most {MAX_CLASSES:,} are possible")
    for name in classes:
        if not CLASS_NAME.fullmatch(name):
            raise GanbenchError(
                f"the class '{one_line(name)}' can't be tracked under this name: rename it, with letters, digits, "
                f"spaces, '-', '_' and '.', at most 60"
            )


def _choose_size(where: str, size: tuple[int, int]) -> GanbenchError:
    return GanbenchError(
        f"{where} is {size[0]}×{size[1]} pixels: choose the size of all images, for instance --size 32 (a multiple of "
        f"{STEP} from {MIN_SIDE} to {MAX_SIDE})"
    )


def _first_side(source: Source, number: int) -> int:
    width, height = source.read(number).image.size
    if width != height or not MIN_SIDE <= width <= MAX_SIDE or width % STEP:
        raise _choose_size(source.where(number), (width, height))
    return width


def read_pixels(
    source: Source, chosen: list[int], size: int | None, colour: Colour | None, progress: Progress
) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """Read pictures by their numbers as uint8 [N, C, S, S], with sentences on what was done to them.

    Raises:
        GanbenchError: pictures that can't be read, a size that must be stated, or too many of them.
    """
    side = _first_side(source, chosen[0]) if size is None else size
    if len(chosen) * 3 * side**2 > LIMIT:
        raise GanbenchError(f"{len(chosen):,} images of {side}×{side} take more than {LIMIT >> 30} GiB: give fewer")
    pixels = np.empty((len(chosen), 1 if colour == "grey" else 3, side, side), np.uint8)
    done: Counter[str] = Counter()
    coloured, resized = 0, 0
    for row, number in enumerate(chosen):
        picture = source.read(number)
        if picture.image.size != (side, side):
            if size is None:
                raise _choose_size(source.where(number), picture.image.size)
            resized += 1
        pixels[row] = picture.pixels(side, colour or "rgb")
        coloured += picture.coloured
        done[picture.note] += 1
        progress("reading pictures", row + 1, len(chosen))
    notes = [f"{count:,} images: {note}" for note, count in done.items() if note]
    if resized:
        notes.append(f"{resized:,} images scaled to {side}×{side} (Lanczos), the longer side cropped at its centre")
    if colour == "grey" and coloured:
        notes.append(f"{coloured:,} coloured images converted to grey (ITU-R 601)")
    if coloured and colour != "grey" and coloured < len(chosen):
        notes.append(f"{len(chosen) - coloured:,} grey images among coloured ones")
    return pixels if coloured or colour else pixels[:, :1], notes


def without_copies(
    pixels: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8], list[str]]:
    """Keep one of each set of equal images, none if they have several labels.

    Returns:
        The rows that are kept, int64 [M], in the order of the hashes of their content; the part of each, uint8 [M]; and
        sentences on what was left out.
    """
    labels_of: dict[bytes, set[int]] = {}
    row_of: dict[bytes, int] = {}
    for row, digest in enumerate(content_hashes(pixels)):
        row_of.setdefault(digest, row)
        labels_of.setdefault(digest, set()).add(int(labels[row]))
    clear = sorted(digest for digest, its_labels in labels_of.items() if len(its_labels) == 1)
    copies = len(labels) - len(row_of)
    notes = [f"{copies:,} exact duplicates left out"] * bool(copies)
    unclear = len(row_of) - len(clear)
    notes += [f"{unclear:,} images left out that are in several classes"] * bool(unclear)
    rows = np.array([row_of[digest] for digest in clear], np.int64)
    return rows, np.array([part_of(digest) for digest in clear], np.uint8), notes


def few_images(prepared: Prepared) -> str:
    """The classes that have too few images in any part, in words; empty if there are none."""
    few = {
        name: sum(each) for name, each in zip(prepared.classes, prepared.counts, strict=True) if min(each) < MIN_PART
    }
    return ", ".join(f"'{name}' ({count:,})" for name, count in few.items())


def check_training(parts: npt.NDArray[np.uint8]) -> None:
    """Refuse too few training images.

    Raises:
        GanbenchError: there are fewer than it takes to score samples beside them.
    """
    train = int((parts == TRAIN).sum())
    if train < MIN_TRAIN:
        raise GanbenchError(
            f"{train:,} of {len(parts):,} images are for training: at least {MIN_TRAIN:,} are needed to score samples "
            f"beside them; add images (about {round(MIN_TRAIN / SHARES[TRAIN], -1):,.0f} in all)"
        )


def least_of_class() -> int:
    """The number of images of a class by which each part probably has enough of them."""
    return round(2 * MIN_PART / min(SHARES))
