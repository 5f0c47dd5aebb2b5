"""The networks of a large-scale comparison of GANs, for 28×28 images."""

from __future__ import annotations

from torch import nn

from ganbench.core.registry import register
from ganbench.methods.archs.base import ARCHS, Arch
from ganbench.methods.archs.dcgan import channels_and_base
from ganbench.methods.layers import Head, normal_weights


@register(ARCHS, "infogan")
class InfoGan(Arch):
    """Convolutions, then dense layers (of InfoGAN, Chen et al. 2016, as in Lucic et al. 2018, arXiv:1711.10337).

    The details are those of Lucic et al.'s code: leaky ReLU in both networks (Chen et al. have ReLU in G), weights from
    N(0, .02), BatchNorm with ε = .001 over each of the second dense layer's outputs, latents U(−1, 1). Their pixels are
    in [0, 1], after a sigmoid; on our [−1, 1] this corresponds to tanh(x/2), but here it is tanh(x). Their optional
    BatchNorm in D is the wrapper `batch-norm`.
    """

    latent_dim: int = 64
    latent: str = "uniform"
    generator_width: int = 64
    critic_width: int = 64
    dense_width: int = 1024
    slope: float = 0.2

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        channels, quarter = channels_and_base(shape, self.name)
        dense, narrow = self.dense_width, self.generator_width
        wide = 2 * narrow
        network = nn.Sequential(
            nn.Linear(self.latent_dim, dense, bias=False),
            nn.BatchNorm1d(dense, eps=1e-3),
            nn.LeakyReLU(self.slope),
            nn.Linear(dense, wide * quarter**2, bias=False),
            nn.BatchNorm1d(wide * quarter**2, eps=1e-3),
            nn.LeakyReLU(self.slope),
            nn.Unflatten(1, (wide, quarter, quarter)),
            nn.ConvTranspose2d(wide, narrow, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(narrow, eps=1e-3),
            nn.LeakyReLU(self.slope),
            nn.ConvTranspose2d(narrow, channels, 4, stride=2, padding=1),
            nn.Tanh(),
        )
        normal_weights(network)
        return network

    def critic(self, shape: tuple[int, ...]) -> nn.Module:
        channels, quarter = channels_and_base(shape, self.name)
        narrow, wide = self.scaled(self.critic_width), self.scaled(2 * self.critic_width)
        dense = self.scaled(self.dense_width)
        network = nn.Sequential(
            nn.Conv2d(channels, narrow, 4, stride=2, padding=1),
            nn.LeakyReLU(self.slope),
            nn.Conv2d(narrow, wide, 4, stride=2, padding=1),
            nn.LeakyReLU(self.slope),
            nn.Flatten(),
            nn.Linear(wide * quarter**2, dense),
            nn.LeakyReLU(self.slope),
            Head(dense),
        )
        normal_weights(network)
        return network
