"""Multilayer perceptrons."""

from __future__ import annotations

import itertools
import math

from torch import nn

from ganbench.core.registry import register
from ganbench.methods.archs.base import ARCHS, Arch
from ganbench.methods.layers import Head


@register(ARCHS, "mlp")
class Mlp(Arch):
    """Fully connected G and D with leaky ReLU, no normalisation (in the style of Goodfellow et al. 2014)."""

    latent_dim: int = 100
    generator_widths: tuple[int, ...] = (128, 256, 512, 1024)
    critic_widths: tuple[int, ...] = (512, 256)
    slope: float = 0.2

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        widths = (self.latent_dim, *self.generator_widths)
        bounded = [nn.Tanh()] if len(shape) > 1 else []  # images are, points aren't
        return nn.Sequential(
            *self._hidden(widths), nn.Linear(widths[-1], math.prod(shape)), *bounded, nn.Unflatten(1, shape)
        )

    def critic(self, shape: tuple[int, ...]) -> nn.Module:
        widths = (math.prod(shape), *map(self.scaled, self.critic_widths))
        return nn.Sequential(nn.Flatten(), *self._hidden(widths), Head(widths[-1]))

    def _hidden(self, widths: tuple[int, ...]) -> list[nn.Module]:
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            layers += [nn.Linear(before, after), nn.LeakyReLU(self.slope)]
        return layers
