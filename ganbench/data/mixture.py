"""Mixtures of equal isotropic Gaussians in the plane: the modes are known exactly, and so is a perfect sampler."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from ganbench.core.seeding import Purpose, stream
from ganbench.data.base import Data, Dataset, Kind
from ganbench.data.evaluators.mixture import MixtureEvaluator

PARTITION = 1 << 16


class MixturePoints(Data):
    """Training points that are drawn once, and a sampler for any number of further points.

    Args:
        means: float32 [K, 2].
        sigma: standard deviation of every mode, in each direction.
        weights: float64 [K], sums to 1.
        points: number of training points.
    """

    def __init__(
        self,
        means: Tensor,
        sigma: float,
        weights: Tensor,
        points: int,
        mode_names: tuple[str, ...],
        device: torch.device,
    ) -> None:
        self.means, self.sigma, self.weights = means, sigma, weights
        self.mode_names, self.device, self.shape = mode_names, device, (means.shape[1],)
        self.train = self._draw(points, "training-points", 0).to(device)

    def __len__(self) -> int:
        return self.train.shape[0]

    def batch(self, indices: Tensor) -> Tensor:
        return self.train[indices]

    def reference(self, count: int) -> Tensor:
        return self._draw(count, "reference", 0).to(self.device)

    def floor_samples(self, count: int, draw: int = 0) -> Tensor:
        return self._draw(count, "floor", draw).to(self.device)

    def _draw(self, count: int, purpose: Purpose, draw: int) -> Tensor:
        """`count` points of the exact mixture, [count, 2]; a smaller `count` gives a prefix of the same points."""
        random = stream(draw, purpose)
        parts = []
        for _ in range(-(-count // PARTITION)):
            modes = torch.multinomial(self.weights, PARTITION, replacement=True, generator=random)
            noise = torch.randn(PARTITION, self.means.shape[1], generator=random)
            parts.append(self.means[modes] + self.sigma * noise)
        return torch.cat(parts)[:count]


@dataclass(frozen=True)  # so that its fields become options of its subclasses
class Mixture(Dataset):
    """A mixture of Gaussians; subclasses define the positions of the modes."""

    kind: ClassVar[Kind] = "points"
    defaults: ClassVar[Mapping[str, Any]] = {
        "arch": {
            "mlp": {"latent_dim": 2, "generator_widths": [128, 128], "critic_widths": [128, 128]},
        },
        "train": {"batch_size": 256, "epochs": 10, "generator_lr": 1e-3, "critic_lr": 1e-3},
    }

    points: int = 100_000
    sigma: float = 0.01

    def __post_init__(self) -> None:
        if self.points < 1:
            raise ValueError(f"points must be at least 1, not {self.points}")
        if not self.sigma > 0:
            raise ValueError(f"sigma must be above 0, not {self.sigma}")

    @abstractmethod
    def means(self) -> Tensor:
        """The means of the modes, float32 [K, 2]; they are distinct."""

    def weights(self) -> Tensor:
        """The share of each mode, float64 [K]."""
        count = len(self.means())
        return torch.full((count,), 1 / count, dtype=torch.float64)

    @property
    def train_size(self) -> int:
        return self.points

    @property
    def shape(self) -> tuple[int, ...]:
        return (2,)

    @property
    def evaluator_sha256(self) -> str:
        return hashlib.sha256(f"{self.means().tolist()} {self.sigma}".encode()).hexdigest()

    def evaluator(self, device: torch.device) -> MixtureEvaluator:
        return MixtureEvaluator(self.means(), self.sigma)

    def load(
        self, device: torch.device, folder: Path | None = None, say: Callable[[str], None] = print
    ) -> MixturePoints:
        means = self.means()
        names = tuple(str(mode) for mode in range(len(means)))
        return MixturePoints(means, self.sigma, self.weights(), self.points, names, device)
