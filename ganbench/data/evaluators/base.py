"""The interface of evaluators, and the features that they return."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Features:
    """An evaluator's output for N samples, from which every metric is computed.

    Attributes:
        samples: the samples themselves, uint8 [N, C, H, W] for images, float32 [N, d] for points.
        embedding: float32 [N, e], a space of meaningful distances: a classifier's last hidden layer, or the points.
        labels: int64 [N] in 0…K−1, the nearest mode, or the class with the highest probability.
        modes: number of modes K.
        deviation: float32 [N, k], distance of a sample from its mode's centre, in standard deviations of the mode. Its
            norm is below 3 for 98.89 % of real samples: by nature for Gaussians in the plane, for images by
            calibration.
        good: bool [N], whether the protocol's rule counts it as a high-quality sample; all True before a rule is
            applied.
        probabilities: float32 [N, K] from a classifier, rows sum to 1; None without a classifier.
        confidence: float32 [N] in [0, 1], the classifier's confidence in the label; ones without a classifier.
        plausibility: float32 [N] in [0, 1], how real the sample looks to a second network, which knows no labels; None
            without one.
        second_embedding: float32 [N, e], the embedding of that network; None without one.
    """

    samples: Tensor
    embedding: Tensor
    labels: Tensor
    modes: int
    deviation: Tensor
    good: Tensor
    probabilities: Tensor | None
    confidence: Tensor
    plausibility: Tensor | None = field(default=None, kw_only=True)
    second_embedding: Tensor | None = field(default=None, kw_only=True)

    def __len__(self) -> int:
        return self.labels.shape[0]

    def select(self, which: Tensor | slice) -> Features:
        """Select samples by index, mask or slice."""
        return replace(
            self,
            samples=self.samples[which],
            embedding=self.embedding[which],
            labels=self.labels[which],
            deviation=self.deviation[which],
            good=self.good[which],
            probabilities=None if self.probabilities is None else self.probabilities[which],
            confidence=self.confidence[which],
            plausibility=None if self.plausibility is None else self.plausibility[which],
            second_embedding=None if self.second_embedding is None else self.second_embedding[which],
        )

    def first(self, count: int) -> Features:
        """The first `count` samples, or all if there are fewer."""
        return self if count >= len(self) else self.select(slice(count))

    def counts(self, *, good: bool = False) -> Tensor:
        """Number of samples (of good ones only, if `good`) in each mode, int64 [K]."""
        return torch.bincount(self.labels[self.good] if good else self.labels, minlength=self.modes)


@dataclass(frozen=True, eq=False)
class Reference(Features):
    """Real samples to compare generated ones with, and further facts about the real distribution.

    Attributes:
        weights: float64 [K], the share of each mode in the target data; sums to 1.
        training: float32 [T, e], embedding of the training data; None if it is not kept.
        training_samples: uint8 [T, *shape], the training data themselves; None if they are not kept.
    """

    weights: Tensor
    training: Tensor | None
    training_samples: Tensor | None = field(default=None, kw_only=True)


class Evaluator(Protocol):
    """A function from samples to features.

    Attributes:
        name: its name and version, for instance "mnist-cnn-2".
        sha256: hash of everything that its output depends on; numbers from different hashes can't be compared.
    """

    name: str
    sha256: str

    def __call__(self, samples: Tensor) -> Features:
        """Features of N samples in the form that networks produce: float32, images in [−1, 1], points unscaled.

        Raises:
            ValueError: wrong type, shape or range, no samples, or NaN among them.
        """
