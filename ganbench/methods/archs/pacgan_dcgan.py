"""PacGAN's networks for Stacked-MNIST: of its comparison with VEEGAN and of that with unrolled GANs."""

from __future__ import annotations

import itertools

from torch import Tensor, nn
from torch.nn.functional import pad

from ganbench.core.registry import register
from ganbench.methods.archs.base import ARCHS, Arch
from ganbench.methods.layers import Head

DEVIATION = 0.02


@register(ARCHS, "pacgan-dcgan")
class PacGanDcgan(Arch):
    """Four 5×5 convolutions each, 64 to 512 wide, for images (Lin et al. 2018, arXiv:1712.04086, Table 2).

    As in the authors' code for their comparison with VEEGAN: halving sizes round up (28 → 14 → 7 → 4 → 2), with
    TensorFlow's padding; latents U(−1, 1); G has BatchNorm, which replaces a bias, and ReLU; D has leaky ReLU; weights
    are N(0, .02), in convolutions cut off at two deviations. Their BatchNorm in D, after all convolutions but the
    first, is the wrapper `batch-norm`. For 28×28×3 G has 4.51 million weights and D 4.31 million.

    Their pixels are in [0, 1] although G ends in tanh; here they are in [−1, 1].
    """

    latent_dim: int = 100
    latent: str = "uniform"
    generator_widths: tuple[int, ...] = (512, 256, 128, 64)
    critic_widths: tuple[int, ...] = (64, 128, 256, 512)
    slope: float = 0.2

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        channels, side = _channels_and_side(shape, self.name)
        sides = _halved(side, len(self.generator_widths))[::-1]
        last = _normal(SameTransposed(self.generator_widths[-1], channels, 5, side, bias=True))
        return nn.Sequential(*_hidden_layers(self.latent_dim, self.generator_widths, 5, sides), last, nn.Tanh())

    def critic(self, shape: tuple[int, ...]) -> nn.Module:
        return _critic(shape, self.name, tuple(map(self.scaled, self.critic_widths)), 5, self.slope)


@register(ARCHS, "pacgan-dcgan-small")
class PacGanDcganSmall(Arch):
    """Narrow 3×3 networks with a D smaller than G, for images (Lin et al. 2018, arXiv:1712.04086, Table 3).

    As in the authors' code for their comparison with unrolled GANs (Metz et al. 2017, arXiv:1611.02163): G goes
    4 → 7 → 14 → 28 with 64, 32, 16 and 8 channels and ends in an ordinary convolution; latents N(0, 1), 256 of them;
    D has three convolutions. `critic_scale` = .25 and .5 are the table's discriminators (2-4-8 and 4-8-16 channels).
    BatchNorm, weights and padding are as in `pacgan-dcgan`, but D normalises its first convolution, too: that is the
    wrapper `batch-norm-everywhere`.
    """

    latent_dim: int = 256
    latent: str = "normal"
    critic_scale: float = 0.25
    generator_widths: tuple[int, ...] = (64, 32, 16, 8)
    critic_widths: tuple[int, ...] = (8, 16, 32)
    slope: float = 0.3

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        channels, side = _channels_and_side(shape, self.name)
        sides = _halved(side, len(self.generator_widths) - 1)[::-1]
        last = _truncated(nn.Conv2d(self.generator_widths[-1], channels, 3, padding=1))
        return nn.Sequential(*_hidden_layers(self.latent_dim, self.generator_widths, 3, sides), last, nn.Tanh())

    def critic(self, shape: tuple[int, ...]) -> nn.Module:
        return _critic(shape, self.name, tuple(map(self.scaled, self.critic_widths)), 3, self.slope)


class SamePadding(nn.Module):
    """Zeros around images of this side for a strided convolution, as TensorFlow pads: the odd one at the end."""

    def __init__(self, kernel: int, side: int) -> None:
        super().__init__()
        self.margins = _margins(kernel, side)

    def forward(self, images: Tensor) -> Tensor:
        before, after = self.margins
        return pad(images, (before, after, before, after))


class SameTransposed(nn.ConvTranspose2d):
    """A transposed convolution of stride 2 to images of this side: the gradient of TensorFlow's padded convolution."""

    def __init__(self, before: int, after: int, kernel: int, side: int, *, bias: bool) -> None:
        super().__init__(before, after, kernel, stride=2, bias=bias)
        first = _margins(kernel, side)[0]
        self.kept = slice(first, first + side)

    def forward(self, images: Tensor, output_size: list[int] | None = None) -> Tensor:
        return super().forward(images, output_size)[..., self.kept, self.kept]


def _hidden_layers(latent_dim: int, widths: tuple[int, ...], kernel: int, sides: list[int]) -> list[nn.Module]:
    """A generator's layers but the last: a linear one to the first side, then doublings."""
    layers = [
        _normal(nn.Linear(latent_dim, widths[0] * sides[0] ** 2, bias=False)),
        nn.Unflatten(1, (widths[0], sides[0], sides[0])),
        nn.BatchNorm2d(widths[0]),
        nn.ReLU(),
    ]
    for (before, after), side in zip(itertools.pairwise(widths), sides[1:], strict=False):
        transposed = SameTransposed(before, after, kernel, side, bias=False)
        layers += [_normal(transposed), nn.BatchNorm2d(after), nn.ReLU()]
    return layers


def _critic(shape: tuple[int, ...], name: str, widths: tuple[int, ...], kernel: int, slope: float) -> nn.Module:
    channels, side = _channels_and_side(shape, name)
    sides = _halved(side, len(widths))
    layers: list[nn.Module] = []
    for (before, after), size in zip(itertools.pairwise((channels, *widths)), sides, strict=False):
        convolution = _truncated(nn.Conv2d(before, after, kernel, stride=2))
        layers += [SamePadding(kernel, size), convolution, nn.LeakyReLU(slope)]
    head = Head(widths[-1] * sides[-1] ** 2)
    _normal(head.linear)
    return nn.Sequential(*layers, nn.Flatten(), head)


def _channels_and_side(shape: tuple[int, ...], name: str) -> tuple[int, int]:
    if len(shape) != 3 or shape[1] != shape[2]:
        raise ValueError(f"{name} makes square images; these samples are {list(shape)}")
    return shape[0], shape[1]


def _halved(side: int, times: int) -> list[int]:
    """The side and its halves, rounded up: `times` + 1 of them."""
    sides = [side]
    for _ in range(times):
        sides.append(-(-sides[-1] // 2))
    return sides


def _margins(kernel: int, side: int) -> tuple[int, int]:
    """TensorFlow's padding before and after a side, for a stride of 2 and half of the side, rounded up."""
    margin = max(0, 2 * (-(-side // 2) - 1) + kernel - side)
    return margin // 2, margin - margin // 2


def _normal(layer: nn.Linear | nn.ConvTranspose2d) -> nn.Module:
    nn.init.normal_(layer.weight, 0.0, DEVIATION)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _truncated(layer: nn.Conv2d) -> nn.Module:
    """Weights N(0, .02) cut off at two deviations (so of deviation .0176), as the authors' convolutions have."""
    nn.init.trunc_normal_(layer.weight, 0.0, DEVIATION, -2 * DEVIATION, 2 * DEVIATION)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
