"""Multilayer perceptrons for points, with maxout in the critic."""

from __future__ import annotations

import itertools

from torch import Tensor, nn

from ganbench.core.registry import register
from ganbench.methods.archs.base import ARCHS, Arch
from ganbench.methods.layers import Head


@register(ARCHS, "pacgan-2d")
class PacGan2d(Arch):
    """BatchNorm and ReLU in G, maxout in D, N(0, .02) weights, for points (Lin et al. 2018, arXiv:1712.04086).

    As in the authors' code: BatchNorm, with ε = 1e-4, comes before the ReLU and replaces a bias; each of D's hidden
    units is the maximum of `pieces` linear functions; all biases start at zero.
    """

    latent_dim: int = 2
    generator_widths: tuple[int, ...] = (400, 400, 400, 400)
    critic_widths: tuple[int, ...] = (200, 200, 200)
    pieces: int = 5

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        numbers = self._numbers(shape)
        widths = (self.latent_dim, *self.generator_widths)
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            # Each update keeps a fraction .95 of the running statistics, as in the authors' code.
            norm = nn.BatchNorm1d(after, eps=1e-4, momentum=0.05)
            layers += [_initialised(nn.Linear(before, after, bias=False)), norm, nn.ReLU()]
        return nn.Sequential(*layers, _initialised(nn.Linear(widths[-1], numbers)))

    def critic(self, shape: tuple[int, ...]) -> nn.Module:
        widths = (self._numbers(shape), *map(self.scaled, self.critic_widths))
        head = Head(widths[-1])
        _initialised(head.linear)
        hidden = [Maxout(before, after, self.pieces) for before, after in itertools.pairwise(widths)]
        return nn.Sequential(*hidden, head)

    def _numbers(self, shape: tuple[int, ...]) -> int:
        if len(shape) != 1:
            raise ValueError(f"{self.name} makes points; these samples are {list(shape)}")
        return shape[0]


class Maxout(nn.Module):
    """Units that are maxima of several linear functions each, [B, inputs] to [B, units] (Goodfellow et al. 2013)."""

    def __init__(self, inputs: int, units: int, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces
        self.linear = _initialised(nn.Linear(inputs, units * pieces))

    def forward(self, inputs: Tensor) -> Tensor:
        largest: Tensor = self.linear(inputs).unflatten(1, (-1, self.pieces)).amax(2)
        return largest


def _initialised(layer: nn.Linear) -> nn.Linear:
    nn.init.normal_(layer.weight, 0.0, 0.02)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
