"""Gaussians on a square grid."""

from __future__ import annotations

import torch
from torch import Tensor

from ganbench.core.registry import register
from ganbench.data.base import DATASETS
from ganbench.data.mixture import Mixture


@register(DATASETS, "grid")
class Grid(Mixture):
    """Gaussians on a square grid around 0, by default {−4, −2, 0, 2, 4}² (Dumoulin et al. 2017, arXiv:1606.00704)."""

    sigma: float = 0.05
    side: int = 5
    spacing: float = 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.side < 2:
            raise ValueError(f"side must be at least 2, not {self.side}")
        if not self.spacing > 0:
            raise ValueError(f"spacing must be above 0, not {self.spacing}")

    def means(self) -> Tensor:
        line = (torch.arange(self.side, dtype=torch.float32) - (self.side - 1) / 2) * self.spacing
        return torch.cartesian_prod(line, line)
