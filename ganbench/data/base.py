"""The base classes of data sets and of loaded data, and the registry of data sets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from ganbench.core.errors import GanbenchError
from ganbench.core.registry import Component, Registry
from ganbench.data.evaluators import Evaluator
from ganbench.data.evaluators.second_opinion import Opinion, SecondOpinion

Kind = Literal["images", "points"]

HIGH_QUALITY = 3.0
"""Distance from a mode's centre, in standard deviations, within which a sample belongs to the mode."""


class Data(ABC):
    """A loaded data set: the training samples, and real samples to compare with.

    Samples are in the form that networks use: float32, images in [−1, 1], points unscaled.

    Attributes:
        shape: the shape of one sample, [C, H, W] for images, [d] for points.
        mode_names: the names of the K modes.
        weights: float64 [K], the share of each mode in the training data; sums to 1.
        device: the device that holds the data.
        held_out: uint8 [H, *shape], all real samples that the evaluator was not trained on, where it was trained on so
            few that it is surer of these; None elsewhere.
    """

    shape: tuple[int, ...]
    mode_names: tuple[str, ...]
    weights: Tensor
    device: torch.device
    held_out: Tensor | None = None

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
        """`count` real samples to score as if they were generated: the output of a perfect generator.

        Each `draw` gives different samples. None of them is in the reference.
        """

    def unseen(self, count: int) -> Tensor | None:
        """Real samples used neither for training nor for the copy threshold, or None if there are none."""
        return None

    def training(self) -> Tensor | None:
        """All training samples as bytes, uint8 [T, *shape], or None if there are too many to search for copies."""
        return None


FOR_IMAGES: Mapping[str, Any] = {"arch": {"mlp": {"generator_norm": "batch"}}}
"""Defaults of data sets of images: without normalisation the generator of an MLP doesn't learn most digits."""


class Dataset(Component):
    """A source of real samples with known modes."""

    version: ClassVar[int] = 1
    """Increased when the samples or their modes change; part of the run id."""
    kind: ClassVar[Kind]
    """The kind of sample: images or points."""
    finite: ClassVar[bool] = False
    """True if the training set contains all real samples that there are."""
    protocol: ClassVar[str] = "ganbench-2"
    """The default protocol for scoring."""
    mode_word: ClassVar[str] = "modes"
    """The word for its modes in a sentence: “8 of 10 digits”."""
    opinion: ClassVar[str] = ""
    """The name of the second opinion on its images, if there is one."""
    defaults: ClassVar[Mapping[str, Any]] = {}
    """Settings that suit its size: `train` options, and under `arch` the options of each architecture by name."""

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
        """SHA-256 of the evaluator that `evaluator` returns, without loading it."""

    @abstractmethod
    def evaluator(self, device: torch.device) -> Evaluator:
        """The evaluator that assigns samples to modes."""

    def scorable(self, samples: int) -> int:
        """The number of samples to score where a protocol asks for `samples`.

        It is no more than half of the training samples, from which floors are drawn: draws of all of them would be
        equal, and show no noise.
        """
        return min(samples, self.train_size // 2) if self.finite else samples

    def classifier(self, name: str, device: torch.device) -> Evaluator:
        """The evaluator of this name, to assign samples to modes in place of the data set's own.

        Raises:
            GanbenchError: there is none, or it is for other samples.
        """
        raise GanbenchError(f"evaluator '{name}' doesn't know the modes of {self.name}")

    def second_opinion(self, device: torch.device) -> Opinion | None:
        """The second opinion on its images, or None if there is none."""
        return SecondOpinion(self.opinion, device) if self.opinion else None

    @abstractmethod
    def load(self, device: torch.device, folder: Path | None = None, say: Callable[[str], None] = print) -> Data:
        """Fetch or draw the data set if necessary, and put it on the device."""

    def assign(self, samples: Tensor) -> Tensor:
        """The mode of each sample, int64 [N]: −1 for samples that are not within 3 σ of the centre of any mode.

        Args:
            samples: float32 [N, *shape], images in [−1, 1], points unscaled.
        """
        features = self.evaluator(samples.device)(samples)
        return features.labels.where(features.deviation.norm(dim=1) < HIGH_QUALITY, -1)


DATASETS: Registry[Dataset] = Registry("dataset")
