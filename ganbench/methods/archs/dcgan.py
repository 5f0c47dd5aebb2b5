"""Convolutional networks for 28×28 images."""

from __future__ import annotations

from torch import nn

from ganbench.core.registry import register
from ganbench.methods.archs.base import ARCHS, Arch
from ganbench.methods.layers import Head, normal_weights


@register(ARCHS, "dcgan")
class Dcgan(Arch):
    """Strided convolutions, BatchNorm in G and none in D, N(0, .02) weights (Radford et al. 2016, arXiv:1511.06434).

    Two doublings: 7 → 14 → 28 for MNIST. The paper's BatchNorm in D is the wrapper `batch-norm`, since it can't be
    combined with gradient penalties: under BatchNorm one sample's gradient depends on the others.
    """

    latent_dim: int = 100
    generator_width: int = 64
    critic_width: int = 32
    slope: float = 0.2

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        channels, quarter = channels_and_quarter(shape, self.name)
        wide = 2 * self.generator_width
        network = nn.Sequential(
            nn.Linear(self.latent_dim, wide * quarter**2, bias=False),
            nn.Unflatten(1, (wide, quarter, quarter)),
            nn.BatchNorm2d(wide),
            nn.ReLU(),
            nn.ConvTranspose2d(wide, self.generator_width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(self.generator_width),
            nn.ReLU(),
            nn.ConvTranspose2d(self.generator_width, channels, 4, stride=2, padding=1),
            nn.Tanh(),
        )
        return _initialised(network)

    def critic(self, shape: tuple[int, ...]) -> nn.Module:
        channels, quarter = channels_and_quarter(shape, self.name)
        narrow, wide = self.scaled(self.critic_width), self.scaled(2 * self.critic_width)
        network = nn.Sequential(
            nn.Conv2d(channels, narrow, 4, stride=2, padding=1),
            nn.LeakyReLU(self.slope),
            nn.Conv2d(narrow, wide, 4, stride=2, padding=1),
            nn.LeakyReLU(self.slope),
            nn.Flatten(),
            Head(wide * quarter**2),
        )
        return _initialised(network)


def channels_and_quarter(shape: tuple[int, ...], name: str) -> tuple[int, int]:
    """The number of channels and a quarter of the side, for square images whose side is a multiple of 4."""
    if len(shape) != 3 or shape[1] != shape[2] or shape[1] % 4:
        raise ValueError(f"{name} makes square images whose side is a multiple of 4; these samples are {list(shape)}")
    return shape[0], shape[1] // 4


def _initialised(network: nn.Module) -> nn.Module:
    normal_weights(network)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
    return network
