"""Residual networks for small images."""

from __future__ import annotations

import itertools
import math
from typing import ClassVar

from torch import Tensor, nn

from ganbench.core.registry import register
from ganbench.methods.archs.base import ARCHS, Arch
from ganbench.methods.archs.dcgan import channels_and_base
from ganbench.methods.layers import Head


@register(ARCHS, "resnet")
class ResNet(Arch):
    """Residual networks, BatchNorm in G and no normalisation in D (Gulrajani et al. 2017, arXiv:1704.00028).

    The CIFAR networks, also those of Miyato et al. 2018 (arXiv:1802.05957), with one block fewer in each: G has two
    blocks that double the side, from a quarter of it, and D two that halve it and one that doesn't. Larger images have
    more `doublings`. The widths are half of theirs. D's features are means over all pixels, as in Gulrajani et al. (in
    Miyato et al. they are sums).
    """

    later_options: ClassVar[tuple[str, ...]] = ("doublings",)

    latent_dim: int = 128
    generator_width: int = 64
    critic_width: int = 64
    doublings: int = 2

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        channels, base = channels_and_base(shape, self.name, self.doublings)
        width = self.generator_width
        network = nn.Sequential(
            nn.Linear(self.latent_dim, width * base**2),
            nn.Unflatten(1, (width, base, base)),
            *(_up(width) for _ in range(self.doublings)),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, channels, 3, padding=1),
            nn.Tanh(),
        )
        return _initialised(network)

    def critic(self, shape: tuple[int, ...]) -> nn.Module:
        channels, _ = channels_and_base(shape, self.name, self.doublings)
        width = self.scaled(self.critic_width)
        network = nn.Sequential(
            _down_from_pixels(channels, width),
            *(_down(width) for _ in range(self.doublings - 1)),
            _plain(width),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            Head(width),
        )
        return _initialised(network)


class Residual(nn.Module):
    """A block's main path plus its shortcut, [B, C, H, W]; both paths change the shape in the same way."""

    def __init__(self, main: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.main = main
        self.shortcut = shortcut

    def forward(self, features: Tensor) -> Tensor:
        total: Tensor = self.main(features) + self.shortcut(features)
        return total


def _up(width: int) -> Residual:
    main = nn.Sequential(
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(width, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1),
    )
    # A 1×1 convolution commutes with upsampling; convolving first takes a quarter of the work.
    return Residual(main, nn.Sequential(nn.Conv2d(width, width, 1), nn.Upsample(scale_factor=2)))


def _down_from_pixels(channels: int, width: int) -> Residual:
    # No activation before the first convolution: it would discard the dark half of the pixels.
    main = nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.AvgPool2d(2)
    )
    return Residual(main, nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(channels, width, 1)))


def _down(width: int) -> Residual:
    # A 1×1 convolution commutes with average pooling; pooling first is cheaper.
    return Residual(
        nn.Sequential(*_two_convolutions(width), nn.AvgPool2d(2)),
        nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(width, width, 1)),
    )


def _plain(width: int) -> Residual:
    return Residual(nn.Sequential(*_two_convolutions(width)), nn.Identity())


def _two_convolutions(width: int) -> list[nn.Module]:
    return [nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)]


def _initialised(network: nn.Module) -> nn.Module:
    """Initialise by He et al. in the main paths' convolutions, where ReLU halves the signal; by Glorot elsewhere."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    blocks = (module for module in network.modules() if isinstance(module, Residual))
    for layer in itertools.chain.from_iterable(block.main.modules() for block in blocks):
        if isinstance(layer, nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight, math.sqrt(2))
    return network
