"""Labelled images, split into a training and a test set."""

from __future__ import annotations

import torch
from torch import Tensor

from ganbench.core.seeding import stream
from ganbench.data.base import Data
from ganbench.data.evaluators.classifier import to_signed


class LabelledImages(Data):
    """Images as bytes with a class each; generated samples are compared with the test set.

    Args:
        train: uint8 [N, C, H, W], the training images.
        train_labels: int64 [N].
        test: uint8 [M, C, H, W], the images that samples are compared with.
        test_labels: int64 [M].
        mode_names: the names of the K classes.
    """

    def __init__(
        self, train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor, mode_names: tuple[str, ...]
    ) -> None:
        self.train, self.train_labels = train, train_labels
        self.test, self.test_labels = test, test_labels
        self.mode_names = mode_names
        self.shape = tuple(train.shape[1:])
        self.device = train.device
        self.weights = (torch.bincount(train_labels, minlength=len(mode_names)).double() / len(train)).cpu()

    def __len__(self) -> int:
        return self.train.shape[0]

    def batch(self, indices: Tensor) -> Tensor:
        return to_signed(self.train[indices])

    def reference(self, count: int) -> Tensor:
        return to_signed(self.test[self._shuffled(len(self.test))[:count]])

    def floor_samples(self, count: int, draw: int = 0) -> Tensor:
        order = torch.randperm(len(self), generator=stream(draw, "floor"))
        return self.batch(order[:count].to(self.device))

    def unseen(self, count: int) -> Tensor | None:
        # The first half of the reference sets the threshold for copies; this is the second half.
        return to_signed(self.test[self._shuffled(len(self.test))[len(self.test) // 2 :][:count]])

    def training(self) -> Tensor | None:
        return self.train

    def _shuffled(self, count: int) -> Tensor:
        # Files may be sorted: the first test images of MNIST are cleaner than the last.
        return torch.randperm(count, generator=stream(0, "reference")).to(self.device)
