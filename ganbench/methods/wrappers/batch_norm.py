"""Batch normalisation in the critic."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from ganbench.core.registry import register
from ganbench.methods.layers import Head, full_precision, replace_layers
from ganbench.methods.wrappers.base import WRAPPERS, Wrapper
from ganbench.methods.wrappers.grouping import grouped

EPSILON = 1e-5


@register(WRAPPERS, "batch-norm")
class BatchNorm(Wrapper):
    """BatchNorm after every hidden layer of the discriminator but the first (Radford et al. 2016, arXiv:1511.06434).

    Real and generated samples are normalised separately, each by its own batch. There are no running statistics: the
    discriminator only works on whole batches. A layer's bias, which the normalisation would cancel, is left out. In
    networks with shortcuts (`resnet`, `r3gan-small`) these are normalised too, which no paper does.
    """

    takes_penalties: ClassVar[bool] = False
    first: ClassVar[int] = 2
    """Number of the first hidden layer that is normalised, from 1."""

    def wrap(self, critic: nn.Module, batch: int) -> nn.Module:
        if batch < 2:
            raise ValueError(f"{self.name} needs at least 2 inputs in a batch, not {batch}")
        hidden = 0

        def normalised(layer: nn.Module) -> nn.Module | None:
            nonlocal hidden
            if isinstance(layer, Head):
                return layer
            if not isinstance(layer, nn.Linear | nn.Conv2d):
                return None
            hidden += 1
            if hidden < self.first:
                return layer
            layer.register_parameter("bias", None)
            return nn.Sequential(layer, GroupNormalised(len(layer.weight), batch))

        replace_layers(critic, normalised)
        return critic


@register(WRAPPERS, "batch-norm-everywhere")
class BatchNormEverywhere(BatchNorm):
    """BatchNorm after every hidden layer of the discriminator (as in Lin et al. 2018, arXiv:1712.04086, Table 3).

    As `batch-norm`, but the first layer is normalised, too.
    """

    first: ClassVar[int] = 1


class GroupNormalised(nn.Module):
    """Normalise features [N, C, ...] by mean and deviation over their group and all pixels, then scale and shift.

    A group is `batch` neighbouring inputs; the variance is the biased one, as in `nn.BatchNorm2d`.
    """

    def __init__(self, features: int, batch: int) -> None:
        super().__init__()
        self.batch = batch
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))

    def forward(self, features: Tensor) -> Tensor:
        groups = grouped(full_precision(features), self.batch)
        axes = (1, *range(3, groups.ndim))
        centred = groups - groups.mean(axes, keepdim=True)
        variance = centred.square().mean(axes, keepdim=True)
        normalised = (centred * (variance + EPSILON).rsqrt()).flatten(0, 1)
        per_feature = (-1, *(1,) * (features.ndim - 2))
        return normalised * self.weight.view(per_feature) + self.bias.view(per_feature)
