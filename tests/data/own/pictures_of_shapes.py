"""Pictures of three shapes, which a classifier learns in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

CLASSES = ("cross", "ring", "square")


def shapes(count: int, seed: int = 0) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Draw images, uint8 [N, 28, 28], and their classes in turn, int64 [N]."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:28, :28]
    labels = np.arange(count) % len(CLASSES)
    images = random.integers(0, 40, (count, 28, 28))
    for image, label in zip(images, labels, strict=True):
        down, right = (abs(axis - random.uniform(10, 18)) for axis in (rows, columns))
        size = random.uniform(5, 9)
        inside = np.maximum(down, right) < size
        image[(inside & (np.minimum(down, right) < 2), abs(np.hypot(down, right) - size) < 2, inside)[label]] = 220
    return images.astype(np.uint8), labels


def write_folder_of_shapes(root: Path, count: int) -> None:
    """Write the pictures as PNGs into a sub-folder for each class."""
    for number, (image, label) in enumerate(zip(*shapes(count), strict=True)):
        folder = root / CLASSES[label]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{number}.png")


def coloured_shapes(count: int, seed: int = 0) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.str_]]:
    """Draw images, uint8 [N, 28, 28, 3], and the names of their classes, shape and colour, [N]."""
    images, labels = shapes(count, seed)
    colours = np.arange(count) // len(CLASSES) % 2
    coloured = images[..., None] * np.array([[1.0, 0.2, 0.2], [0.2, 0.4, 1.0]])[colours][:, None, None]
    names = [f"{('red', 'blue')[colour]} {CLASSES[label]}" for colour, label in zip(colours, labels, strict=True)]
    return coloured.astype(np.uint8), np.array(names)
