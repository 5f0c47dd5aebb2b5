"""The exact evaluator of points: the nearest mean of a Gaussian mixture, and the deviation in standard deviations."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

from ganbench.data.evaluators.base import Features

POINTS_PER_BLOCK = 20_000


class MixtureEvaluator:
    """An evaluator that assigns each point to the mode with the nearest mean."""

    name = "exact"

    def __init__(self, means: Tensor, sigma: float) -> None:
        self._means = means
        self._sigma = sigma
        self.sha256 = hashlib.sha256(f"{means.tolist()} {sigma}".encode()).hexdigest()

    def __call__(self, samples: Tensor) -> Features:
        """Features of points, float32 [N, d].

        Raises:
            ValueError: wrong type or shape, no points, or points that aren't finite.
        """
        if samples.dtype != torch.float32:
            raise ValueError(f"points must be float32, not {samples.dtype}")
        if samples.ndim != 2 or samples.shape[1] != self._means.shape[1]:
            raise ValueError(f"points must have shape [N, {self._means.shape[1]}], not {list(samples.shape)}")
        if samples.shape[0] == 0:
            raise ValueError("there are no points")
        if not bool(samples.isfinite().all()):
            raise ValueError("points must be finite")
        means = self._means.to(samples.device)
        labels = torch.cat(
            [(block[:, None] - means).square().sum(2).argmin(1) for block in samples.split(POINTS_PER_BLOCK)]
        )
        return Features(
            samples=samples,
            embedding=samples,
            labels=labels,
            modes=len(means),
            deviation=(samples - means[labels]) / self._sigma,
            good=torch.ones_like(labels, dtype=torch.bool),
            probabilities=None,
            confidence=torch.ones_like(samples[:, 0]),
        )
