"""Residual networks without normalisation, at the size of MNIST."""

from __future__ import annotations

import math
from typing import ClassVar, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from ganbench.core.registry import register
from ganbench.methods.archs.base import ARCHS, Arch
from ganbench.methods.archs.dcgan import channels_and_base
from ganbench.methods.layers import Head

L = TypeVar("L", nn.Linear, nn.Conv2d)

SLOPE = 0.2
GAIN = math.sqrt(2 / (1 + SLOPE**2))
"""Factor that preserves the variance across a leaky ReLU. It is applied to initial weights, not to activations."""


@register(ARCHS, "r3gan-small")
class R3GanSmall(Arch):
    """Normalisation-free residual networks with grouped convolutions (Huang et al. 2024, arXiv:2501.05441).

    A block is x + W₃ φ(W₂ φ(W₁ x)), 1×1, grouped 3×3, 1×1, `expansion` times wider inside, with biases before φ only.
    W₃ starts at zero, and W₁ and W₂ so that each, with its φ, multiplies the variance by L^(−1/2) for the L blocks of a
    network, as in Fixup. G begins with a learned basis: an image for each channel, multiplied by a number computed from
    the latents. D ends with one, which weights each channel's last pixels.

    Differences from the paper's CIFAR network: width 64 instead of 768; one block instead of two per resolution; three
    resolutions instead of four, starting at a quarter of the side (7×7 for MNIST) instead of 4×4 (more `doublings` are
    more resolutions, for larger images); G ends in Tanh and
    D's head has a bias; the width inside a block is rounded to whole groups. Resampling is the paper's: filter
    [1, 3, 3, 1], zeros outside.
    """

    later_options: ClassVar[tuple[str, ...]] = ("doublings",)

    latent_dim: int = 64
    generator_width: int = 64
    critic_width: int = 64
    blocks: int = 1
    group_size: int = 16
    expansion: int = 2
    doublings: int = 2

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        channels, base = channels_and_base(shape, self.name, self.doublings)
        width = self.generator_width
        layers: list[nn.Module] = [GenerativeBasis(self.latent_dim, width, base), *self._blocks(width)]
        for _ in range(self.doublings):
            layers += [Up(), *self._blocks(width)]
        return nn.Sequential(*layers, _scaled(nn.Conv2d(width, channels, 1, bias=False)), nn.Tanh())

    def critic(self, shape: tuple[int, ...]) -> nn.Module:
        channels, base = channels_and_base(shape, self.name, self.doublings)
        width = self.scaled(self.critic_width)
        head = Head(width)
        _scaled(head.linear)
        layers: list[nn.Module] = [_scaled(nn.Conv2d(channels, width, 1, bias=False)), *self._blocks(width)]
        for _ in range(self.doublings):
            layers += [Down(), *self._blocks(width)]
        last = _scaled(nn.Conv2d(width, width, base, groups=width, bias=False))
        return nn.Sequential(*layers, last, nn.Flatten(), head)

    def _blocks(self, width: int) -> list[nn.Module]:
        resolutions = self.doublings + 1
        gain = GAIN * (resolutions * self.blocks) ** (-1 / 4)  # −1/(2m − 2) for m = 3 layers
        groups = max(1, round(width * self.expansion / self.group_size))
        return [Block(width, groups, self.group_size, gain) for _ in range(self.blocks)]


class Block(nn.Module):
    """An inverted bottleneck with an identity shortcut, [B, C, H, W] to the same."""

    def __init__(self, width: int, groups: int, group_size: int, gain: float) -> None:
        super().__init__()
        inside = groups * group_size
        self.main = nn.Sequential(
            _scaled(nn.Conv2d(width, inside, 1), gain),
            nn.LeakyReLU(SLOPE),
            _scaled(nn.Conv2d(inside, inside, 3, padding=1, groups=groups), gain),
            nn.LeakyReLU(SLOPE),
            _scaled(nn.Conv2d(inside, width, 1, bias=False), 0.0),
        )

    def forward(self, features: Tensor) -> Tensor:
        total: Tensor = features + self.main(features)
        return total


class GenerativeBasis(nn.Module):
    """Latents [B, z] to features [B, C, side, side]: a learned image per channel, times a function of the latents."""

    def __init__(self, latent_dim: int, width: int, side: int) -> None:
        super().__init__()
        self.basis = nn.Parameter(torch.randn(width, side, side))
        self.linear = _scaled(nn.Linear(latent_dim, width, bias=False))

    def forward(self, latents: Tensor) -> Tensor:
        features: Tensor = self.basis * self.linear(latents)[:, :, None, None]
        return features


class Up(nn.Module):
    """Interpolated upsampling to twice the side: [B, C, H, W] to [B, C, 2H, 2W]."""

    def forward(self, features: Tensor) -> Tensor:
        return _smoothed(interpolate(features, scale_factor=2.0))


class Down(nn.Module):
    """Low-pass filtered downsampling to half the side: [B, C, 2H, 2W] to [B, C, H, W]."""

    def forward(self, features: Tensor) -> Tensor:
        return avg_pool2d(_smoothed(features), 2)


def _smoothed(features: Tensor) -> Tensor:
    """Filter with [1, 2, 1]/4 along both axes, zeros outside; followed by a box of two pixels it makes [1, 3, 3, 1]."""
    return avg_pool2d(avg_pool2d(features, 2, stride=1, padding=1), 2, stride=1)


def _scaled(layer: L, gain: float = 1.0) -> L:
    """Initialise a layer with weights N(0, gain²/fan-in) and zero biases, and return it."""
    nn.init.normal_(layer.weight, 0.0, gain / math.sqrt(layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
