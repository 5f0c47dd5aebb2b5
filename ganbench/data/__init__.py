"""Data sets whose modes are known, held on the device as one tensor.

A data set is a component; loading it gives `Data`, from which the trainer takes batches by index.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from ganbench.registry import Component, Registry, import_folder


@dataclass(frozen=True)
class Data:
    """A loaded data set: images as bytes, and the mode (class) of each.

    Attributes:
        train: uint8 [N, C, H, W], what the critic sees.
        train_modes: int64 [N], the mode of each training image.
        test: uint8 [M, C, H, W], what samples are scored against.
        test_modes: int64 [M].
        mode_names: the K modes, in words.
    """

    train: Tensor
    train_modes: Tensor
    test: Tensor
    test_modes: Tensor
    mode_names: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one image, [C, H, W]."""
        return tuple(self.train.shape[1:])

    def __len__(self) -> int:
        return self.train.shape[0]

    def batch(self, indices: Tensor) -> Tensor:
        """Training images by index (any shape), float32 [*indices, C, H, W] in [−1, 1]."""
        return to_signed(self.train[indices])


def to_signed(images: Tensor) -> Tensor:
    """Bytes 0…255 to float32 in [−1, 1]."""
    return images.to(torch.float32).div_(127.5).sub_(1)


class Dataset(Component):
    """Where real images come from, and what their modes are."""

    version: ClassVar[int] = 1
    """Raised when the images or their modes change: part of the run id."""
    train_size: ClassVar[int]
    """Number of training samples."""
    shape: ClassVar[tuple[int, ...]]
    """Shape of one sample, [C, H, W] for images."""
    protocol: ClassVar[str] = "ganbench-1"
    """The protocol that scores it where the user names no other."""
    evaluator: ClassVar[str]
    """The frozen evaluator that recognises its modes."""
    mode_word: ClassVar[str] = "modes"
    """What a mode is called in a sentence: “8 of 10 digits”."""

    @abstractmethod
    def load(self, device: torch.device, folder: Path | None = None, say: Callable[[str], None] = print) -> Data:
        """Fetch it if need be and put it on the device."""


DATASETS: Registry[Dataset] = Registry("dataset")
import_folder(__name__, __path__)
