"""Shared layers and helpers: the critic's head, initial weights, layer replacement, and memory format."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


class Head(nn.Module):
    """The critic's last layer: features [B, F] to logits [B].

    Every critic has exactly one. Layers that use the features of a whole batch (see `ganbench.methods.wrappers`) are
    inserted before it. It is computed in float32 whatever the precision of the rest, because losses are differences of
    logits.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features
        self.linear = nn.Linear(features, 1)

    def forward(self, features: Tensor) -> Tensor:
        with torch.autocast(features.device.type, enabled=False):
            logits: Tensor = self.linear(full_precision(features)).squeeze(1)
        return logits


def full_precision(features: Tensor) -> Tensor:
    """Features in float32 or wider: bfloat16 has fewer than three digits, too few for differences and sums."""
    return features.to(torch.promote_types(features.dtype, torch.float32))


def normal_weights(network: nn.Module, deviation: float = 0.02) -> None:
    """Initialise every linear and convolutional layer with weights N(0, deviation²) and zero biases."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, deviation)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def upsample_channels_last(network: nn.Module) -> None:
    """Run transposed convolutions, and the layers after them, in channels-last memory format.

    The numbers are the same up to rounding; on a CPU, steps of one seed take up to a seventh less time. It does not
    work under `vmap`.
    """
    for layer in network.modules():
        if isinstance(layer, nn.ConvTranspose2d):
            layer.register_forward_pre_hook(
                lambda _, images: (images[0].contiguous(memory_format=torch.channels_last),)
            )


def replace_layers(network: nn.Module, make: Callable[[nn.Module], nn.Module | None]) -> None:
    """Replace every layer for which `make` returns another; replacements are not searched again."""
    for name, layer in list(network.named_children()):
        other = make(layer)
        if other is None:
            replace_layers(layer, make)
        else:
            setattr(network, name, other)
