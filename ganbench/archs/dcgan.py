"""Convolutional networks for 28×28 images."""

from __future__ import annotations

from torch import nn

from ganbench.archs import ARCHS, Arch
from ganbench.registry import register


@register(ARCHS, "dcgan")
class Dcgan(Arch):
    """Strided convolutions, BatchNorm in G and none in D, N(0, .02) weights (Radford et al. 2016, arXiv:1511.06434).

    Sized for 28×28 images: 7 → 14 → 28. The paper's BatchNorm in the critic is left out, so that every penalty can be
    combined with it: under BatchNorm one sample's gradient depends on the others.
    """

    latent_dim: int = 100
    generator_width: int = 64
    critic_width: int = 32
    slope: float = 0.2

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        channels = _channels_of_28(shape)
        wide = 2 * self.generator_width
        network = nn.Sequential(
            nn.Linear(self.latent_dim, wide * 49, bias=False),
            nn.Unflatten(1, (wide, 7, 7)),
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
        channels = _channels_of_28(shape)
        network = nn.Sequential(
            nn.Conv2d(channels, self.critic_width, 4, stride=2, padding=1),
            nn.LeakyReLU(self.slope),
            nn.Conv2d(self.critic_width, 2 * self.critic_width, 4, stride=2, padding=1),
            nn.LeakyReLU(self.slope),
            nn.Flatten(),
            nn.Linear(2 * self.critic_width * 49, 1),
            nn.Flatten(0),
        )
        return _initialised(network)


def _channels_of_28(shape: tuple[int, ...]) -> int:
    if len(shape) != 3 or shape[1:] != (28, 28):
        raise ValueError(f"dcgan makes 28×28 images; this data set has shape {list(shape)}")
    return shape[0]


def _initialised(network: nn.Module) -> nn.Module:
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
    return network
