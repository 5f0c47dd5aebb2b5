"""Data sets whose modes are known, held on the device.

A data set is a component; loading it gives `Data`, from which the trainer takes batches by index and the protocols take
real samples to compare with.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from ganbench.core.registry import Component, Registry, import_folder
from ganbench.data.evaluators import Evaluator

Kind = Literal["images", "points"]

HIGH_QUALITY = 3.0
"""Standard deviations from its mode's centre within which a sample belongs to the mode."""


class Data(ABC):
    """A loaded data set: what is trained on, and real samples to compare with.

    Samples are as networks see them: float32, images in [−1, 1], points as they are.

    Attributes:
        shape: of one sample, [C, H, W] for images, [d] for points.
        mode_names: the K modes, in words.
        weights: float64 [K], the share of each mode in what is trained on; sums to 1.
        device: where it lies.
    """

    shape: tuple[int, ...]
    mode_names: tuple[str, ...]
    weights: Tensor
    device: torch.device

    @abstractmethod
    def __len__(self) -> int:
        """Number of training samples."""

    @abstractmethod
    def batch(self, indices: Tensor) -> Tensor:
        """Training samples by index (any shape), float32 [*indices, *shape]."""

    @abstractmethod
    def reference(self, count: int) -> Tensor:
        """`count` real samples to compare with, always the same, in random order; fewer if there are fewer."""

    @abstractmethod
    def floor_samples(self, count: int, draw: int = 0) -> Tensor:
        """`count` real samples that are scored as if they were generated: what a perfect generator would make.

        Another `draw` gives other samples. None of them is in the reference.
        """

    def unseen(self, count: int) -> Tensor | None:
        """Real samples, if there are such, that neither training nor the threshold for copies has seen."""
        return None

    def training(self) -> Tensor | None:
        """Everything that is trained on, as bytes, if it is few enough to search for copies: uint8 [T, *shape]."""
        return None


class Dataset(Component):
    """Where real samples come from, and what their modes are."""

    version: ClassVar[int] = 1
    """Raised when the samples or their modes change: part of the run id."""
    kind: ClassVar[Kind]
    """What a sample is."""
    finite: ClassVar[bool] = False
    """Whether there are no more real samples than the training set holds."""
    protocol: ClassVar[str] = "ganbench-1"
    """The protocol that scores it where the user names no other."""
    mode_word: ClassVar[str] = "modes"
    """What a mode is called in a sentence: “8 of 10 digits”."""
    defaults: ClassVar[Mapping[str, Any]] = {}
    """Settings that suit its size: `train` options, and under `arch` the options of an architecture by its name."""

    @property
    @abstractmethod
    def train_size(self) -> int:
        """Number of training samples."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample, [C, H, W] for images, [d] for points."""

    @property
    @abstractmethod
    def evaluator_sha256(self) -> str:
        """Hash of what `evaluator` gives, without loading it."""

    @abstractmethod
    def evaluator(self, device: torch.device) -> Evaluator:
        """What tells its modes apart."""

    @abstractmethod
    def load(self, device: torch.device, folder: Path | None = None, say: Callable[[str], None] = print) -> Data:
        """Fetch or draw it if need be and put it on the device."""

    def assign(self, samples: Tensor) -> Tensor:
        """The mode of each sample, −1 where it belongs to none, int64 [N]: within 3 σ of the centre of its mode.

        Args:
            samples: float32 [N, *shape], images in [−1, 1], points as they are.
        """
        features = self.evaluator(samples.device)(samples)
        return features.labels.where(features.deviation.norm(dim=1) < HIGH_QUALITY, -1)


DATASETS: Registry[Dataset] = Registry("dataset")
import_folder(__name__, __path__)
