"""Layers that rooms share: the end of every critic, weights to begin with, how layers are replaced and see images."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


class Head(nn.Module):
    """The critic's last layer: features [B, F] to logits [B].

    Every critic has exactly one. What looks at the features of a batch (see `ganbench.methods.wrappers`) is put before
    it. It is computed in float32 whatever the precision of the rest: losses are differences of logits.
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
    """Features in float32 at least: bfloat16 has less than three digits, too few for differences and sums."""
    return features.to(torch.promote_types(features.dtype, torch.float32))


def normal_weights(network: nn.Module, deviation: float = 0.02) -> None:
    """Begin with weights N(0, deviation²) and biases of zero in every linear and convolutional layer."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, deviation)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def upsample_channels_last(network: nn.Module) -> None:
    """Let transposed convolutions, and what follows them, see images whose channels lie side by side in memory.

    Same numbers to rounding; on a CPU steps of one seed take up to a seventh less time. `vmap` can't do it.
    """
    for layer in network.modules():
        if isinstance(layer, nn.ConvTranspose2d):
            layer.register_forward_pre_hook(
                lambda _, images: (images[0].contiguous(memory_format=torch.channels_last),)
            )


def replace_layers(network: nn.Module, make: Callable[[nn.Module], nn.Module | None]) -> None:
    """Put another layer in the place of each for which `make` gives one; what it gives is not looked into again."""
    for name, layer in list(network.named_children()):
        other = make(layer)
        if other is None:
            replace_layers(layer, make)
        else:
            setattr(network, name, other)
