"""Minibatch discrimination."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from ganbench.core.registry import register
from ganbench.methods.layers import Head
from ganbench.methods.wrappers.base import WRAPPERS, Wrapper
from ganbench.methods.wrappers.batch_features import show_to_head
from ganbench.methods.wrappers.grouping import grouped


@register(WRAPPERS, "minibatch-discrimination")
class MinibatchDiscrimination(Wrapper):
    """Closeness to the rest of the batch, as features for the head (Salimans et al. 2016, arXiv:1606.03498).

    Section 3.2: with M = f(x) T, [kernels, dimensions], the new features are o_b = Σ_j exp(−‖M_b − M_jb‖₁) over the
    other inputs of the same kind. As in the authors' code, an input isn't compared with itself, and T starts with
    columns of length 1. That code also keeps them at a learned length, which is not in the paper and left out here.
    """

    takes_penalties: ClassVar[bool] = False

    kernels: int = 100
    dimensions: int = 5

    def __post_init__(self) -> None:
        for name in ("kernels", "dimensions"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")

    def wrap(self, critic: nn.Module, batch: int) -> nn.Module:
        if batch < 2:
            raise ValueError(f"{self.name} needs at least 2 inputs in a batch, not {batch}")
        head = next(layer for layer in critic.modules() if isinstance(layer, Head))
        return show_to_head(critic, Nearness(head.features, self.kernels, self.dimensions, batch), self.kernels)


class Nearness(nn.Module):
    """Features [N, F] to proximities to the rest of the group, [N, kernels], each in [0, batch − 1]."""

    def __init__(self, features: int, kernels: int, dimensions: int, batch: int) -> None:
        super().__init__()
        self.batch = batch
        self.weight = nn.Parameter(normalize(torch.randn(features, kernels, dimensions), dim=0))

    def forward(self, features: Tensor) -> Tensor:
        mapped = (features @ self.weight.flatten(1)).unflatten(1, self.weight.shape[1:])
        groups = grouped(mapped, self.batch).transpose(1, 2)
        distances = torch.cdist(groups, groups, p=1)
        # An input's distance to itself is exactly 0, and the exponential of that 1.
        return ((-distances).exp().sum(3) - 1).transpose(1, 2).flatten(0, 1)
