"""Gaussians on a circle, some of which are rare."""

from __future__ import annotations

import torch
from torch import Tensor

from ganbench.core.registry import register
from ganbench.data.base import DATASETS
from ganbench.data.ring import Ring


@register(DATASETS, "imbalanced-ring")
class ImbalancedRing(Ring):
    """A ring whose mode k has a share proportional to (k+1)^−power: rare modes are lost first (ganbench, version 1)."""

    power: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.power < 0:
            raise ValueError(f"power must be at least 0, not {self.power}")

    def weights(self) -> Tensor:
        weights = torch.arange(1, self.modes + 1, dtype=torch.float64) ** -self.power
        return weights / weights.sum()
