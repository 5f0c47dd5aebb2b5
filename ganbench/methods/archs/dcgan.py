"""Convolutional networks for small images."""

from __future__ import annotations

import itertools
from typing import ClassVar

from torch import nn

from ganbench.core.registry import register
from ganbench.methods.archs.base import ARCHS, Arch
from ganbench.methods.layers import Head, normal_weights


@register(ARCHS, "dcgan")
class Dcgan(Arch):
    """Strided convolutions, BatchNorm in G and none in D, N(0, .02) weights (Radford et al. 2016, arXiv:1511.06434).

    Two doublings: 7 → 14 → 28 for MNIST. Larger images have more `doublings`, and the network is twice as wide before
    each. The paper's BatchNorm in D is the wrapper `batch-norm`, since it can't be combined with gradient penalties:
    under BatchNorm one sample's gradient depends on the others.
    """

    later_options: ClassVar[tuple[str, ...]] = ("doublings",)

    latent_dim: int = 100
    generator_width: int = 64
    critic_width: int = 32
    slope: float = 0.2
    doublings: int = 2

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        channels, base = channels_and_base(shape, self.name, self.doublings)
        widths = [self.generator_width * 2**number for number in reversed(range(self.doublings))]
        layers: list[nn.Module] = [
            nn.Linear(self.latent_dim, widths[0] * base**2, bias=False),
            nn.Unflatten(1, (widths[0], base, base)),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
        ]
        for before, after in itertools.pairwise(widths):
            layers += [
                nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
            ]
        layers += [nn.ConvTranspose2d(widths[-1], channels, 4, stride=2, padding=1), nn.Tanh()]
        return _initialised(nn.Sequential(*layers))

    def critic(self, shape: tuple[int, ...]) -> nn.Module:
        channels, base = channels_and_base(shape, self.name, self.doublings)
        widths = [self.scaled(self.critic_width * 2**number) for number in range(self.doublings)]
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise([channels, *widths]):
            layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.LeakyReLU(self.slope)]
        return _initialised(nn.Sequential(*layers, nn.Flatten(), Head(widths[-1] * base**2)))


def channels_and_base(shape: tuple[int, ...], name: str, doublings: int = 2) -> tuple[int, int]:
    """The number of channels and the side before all doublings, for square images whose side they make."""
    factor = 2**doublings
    if len(shape) != 3 or shape[1] != shape[2] or shape[1] % factor:
        raise ValueError(
            f"{name} makes square images whose side is a multiple of {factor}; these samples are {list(shape)}"
        )
    return shape[0], shape[1] // factor


def _initialised(network: nn.Module) -> nn.Module:
    normal_weights(network)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
    return network
