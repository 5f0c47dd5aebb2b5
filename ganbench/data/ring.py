"""Gaussians on a circle."""

from __future__ import annotations

import torch
from torch import Tensor

from ganbench.core.registry import register
from ganbench.data.base import DATASETS
from ganbench.data.mixture import Mixture


@register(DATASETS, "ring")
class Ring(Mixture):
    """Gaussians at equal distances on a circle, mode k at angle 2πk/K (Metz et al. 2017, arXiv:1611.02163).

    The widely copied demo code puts the last mode on top of the first, since its angles run from 0 to 2π inclusive:
    it has seven modes, not eight. Here they are distinct.
    """

    modes: int = 8
    radius: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.modes < 2:
            raise ValueError(f"modes must be at least 2, not {self.modes}")
        if not self.radius > 0:
            raise ValueError(f"radius must be above 0, not {self.radius}")

    def means(self) -> Tensor:
        angles = torch.arange(self.modes, dtype=torch.float64) * (2 * torch.pi / self.modes)
        return (self.radius * torch.stack([angles.cos(), angles.sin()], dim=1)).float()
