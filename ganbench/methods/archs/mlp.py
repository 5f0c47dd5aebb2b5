"""Multilayer perceptrons."""

from __future__ import annotations

import itertools
import math
from typing import ClassVar

from torch import nn

from ganbench.core.registry import register
from ganbench.methods.archs.base import ARCHS, Arch
from ganbench.methods.layers import Head

GENERATOR_NORMS = ("none", "batch", "layer")


@register(ARCHS, "mlp")
class Mlp(Arch):
    """Fully connected G and D with leaky ReLU, on images with BatchNorm in G (in the style of Goodfellow et al. 2014).

    `generator_norm` normalises G's hidden layers but the first, before their activations (of one hidden layer, none):
    "batch" is BatchNorm, which replaces a layer's bias (as in the MLP of PyTorch-GAN, whose ε is .8 instead of 1e-5),
    and "layer" is LayerNorm. The default is "batch" for images, "none" for points.
    """

    later_options: ClassVar[tuple[str, ...]] = ("generator_norm",)

    latent_dim: int = 100
    generator_widths: tuple[int, ...] = (128, 256, 512, 1024)
    critic_widths: tuple[int, ...] = (512, 256)
    slope: float = 0.2
    generator_norm: str = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.generator_norm not in GENERATOR_NORMS:
            raise ValueError(f"generator_norm must be one of {', '.join(GENERATOR_NORMS)}, not {self.generator_norm}")

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        widths = (self.latent_dim, *self.generator_widths)
        bounded = [nn.Tanh()] if len(shape) > 1 else []  # images are, points aren't
        return nn.Sequential(
            *self._hidden(widths, self.generator_norm),
            nn.Linear(widths[-1], math.prod(shape)),
            *bounded,
            nn.Unflatten(1, shape),
        )

    def critic(self, shape: tuple[int, ...]) -> nn.Module:
        widths = (math.prod(shape), *map(self.scaled, self.critic_widths))
        return nn.Sequential(nn.Flatten(), *self._hidden(widths), Head(widths[-1]))

    def _hidden(self, widths: tuple[int, ...], norm: str = "none") -> list[nn.Module]:
        layers: list[nn.Module] = []
        for number, (before, after) in enumerate(itertools.pairwise(widths)):
            if norm == "none" or number == 0:
                layers.append(nn.Linear(before, after))
            elif norm == "batch":
                layers += [nn.Linear(before, after, bias=False), nn.BatchNorm1d(after)]
            else:
                layers += [nn.Linear(before, after), nn.LayerNorm(after)]
            layers.append(nn.LeakyReLU(self.slope))
        return layers
