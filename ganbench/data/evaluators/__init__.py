"""Evaluators: what is seen in a sample, and which mode it belongs to. Every metric is based on what they see.

Images are seen by a frozen classifier (`classifier.py`, `stacked.py`), points by the exact geometry of their mixture
(`mixture.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Features:
    """What an evaluator sees in N samples; what every metric is computed from.

    Attributes:
        samples: the samples themselves, uint8 [N, C, H, W] for images, float32 [N, d] for points.
        embedding: float32 [N, e], where distances mean something: a classifier's last hidden layer, or the points.
        labels: int64 [N] in 0…K−1, the nearest mode, or the class with the highest probability.
        modes: number of modes K.
        deviation: float32 [N, k], how far a sample lies from its mode's centre, in standard deviations of the mode. Of
            real samples 98.89 % have a norm below 3: for Gaussians in the plane by nature, for images by calibration.
        good: bool [N], whether the protocol's rule counts it as a high-quality sample; all are, before a rule is
        applied.
        probabilities: float32 [N, K] of a classifier, rows sum to 1; None where there is none.
        confidence: float32 [N] in [0, 1], how sure the classifier is of the label; ones where there is none.
    """

    samples: Tensor
    embedding: Tensor
    labels: Tensor
    modes: int
    deviation: Tensor
    good: Tensor
    probabilities: Tensor | None
    confidence: Tensor

    def __len__(self) -> int:
        return self.labels.shape[0]

    def select(self, which: Tensor | slice) -> Features:
        """Some of the samples, by index, mask or slice."""
        return replace(
            self,
            samples=self.samples[which],
            embedding=self.embedding[which],
            labels=self.labels[which],
            deviation=self.deviation[which],
            good=self.good[which],
            probabilities=None if self.probabilities is None else self.probabilities[which],
            confidence=self.confidence[which],
        )

    def first(self, count: int) -> Features:
        """The first `count` samples, or all where there are no more."""
        return self if count >= len(self) else self.select(slice(count))

    def counts(self, *, good: bool = False) -> Tensor:
        """How many samples, or only good ones, fell into each mode, int64 [K]."""
        return torch.bincount(self.labels[self.good] if good else self.labels, minlength=self.modes)


@dataclass(frozen=True, eq=False)
class Reference(Features):
    """Real samples that generated ones are compared with, and what else is known about the real distribution.

    Attributes:
        weights: float64 [K], the share of each mode in the data that were imitated; sums to 1.
        training: float32 [T, e], embedding of what the networks were trained on; None where that is not kept.
    """

    weights: Tensor
    training: Tensor | None


class Evaluator(Protocol):
    """Looks at samples.

    Attributes:
        name: its name and version, for instance "mnist-cnn-2".
        sha256: hash of everything its answers depend on; numbers from different hashes can't be compared.
    """

    name: str
    sha256: str

    def __call__(self, samples: Tensor) -> Features:
        """Features of N samples as networks make them: float32, images in [−1, 1], points as they are.

        Raises:
            ValueError: wrong type, shape or range, no samples, or NaN among them.
        """
