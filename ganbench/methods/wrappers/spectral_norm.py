"""Spectral normalisation."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils import parametrize

from ganbench.core.registry import register
from ganbench.methods.wrappers.base import WRAPPERS, Wrapper

ITERATIONS_AT_FIRST = 15
"""Enough for an accurate σ before the first update, as in PyTorch's own spectral normalisation."""
WEIGHT, VECTOR = ".parametrizations.weight.original", ".parametrizations.weight.0."
"""Name parts of a normalised layer's tensors: its weight, and its vectors u and v."""


@register(WRAPPERS, "spectral-norm")
class SpectralNorm(Wrapper):
    """Every linear and convolutional layer uses W/σ(W) as its weight (Miyato et al. 2018, arXiv:1802.05957, eq. 8).

    σ = uᵀWv, with W as a matrix [outputs, the rest]. After each update, `iterations` steps of the power method renew u
    and v, through which no gradient flows (algorithm 1). W/σ is undefined for a layer that its architecture
    initialises to zero; such a layer gets random initial weights instead.
    """

    iterations: int = 1

    def __post_init__(self) -> None:
        if self.iterations < 1:
            raise ValueError(f"iterations must be at least 1, not {self.iterations}")

    def wrap(self, critic: nn.Module, batch: int) -> nn.Module:
        for layer in list(critic.modules()):
            if isinstance(layer, nn.Linear | nn.Conv2d):
                if not layer.weight.any():
                    nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")
                parametrize.register_parametrization(layer, "weight", Normalised(layer.weight.detach()))
        return critic

    def constrain(self, parameters: Mapping[str, Tensor], buffers: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        renewed: dict[str, Tensor] = {}
        for name, weight in parameters.items():
            if name.endswith(WEIGHT):
                vector = name.removesuffix(WEIGHT) + VECTOR
                u, v = power_method(weight.detach(), buffers[vector + "u"], self.iterations)
                renewed |= {vector + "u": u, vector + "v": v}
        return renewed


class Normalised(nn.Module):
    """A weight [outputs, ...] divided by its σ.

    PyTorch's own version renews u and v in place in its forward pass, which `vmap` can't do and training must not:
    the result would depend on how often the critic is evaluated.
    """

    u: Tensor
    v: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        start = normalize(torch.randn(len(weight), dtype=weight.dtype), dim=0)
        u, v = power_method(weight, start, ITERATIONS_AT_FIRST)
        self.register_buffer("u", u)
        self.register_buffer("v", v)

    def forward(self, weight: Tensor) -> Tensor:
        with torch.autocast(weight.device.type, enabled=False):
            sigma = self.u @ weight.flatten(1) @ self.v
        return weight / sigma


def power_method(weight: Tensor, u: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
    """Run the power method on a weight [outputs, ...]; return unit vectors u [outputs] and v [the rest].

    They approach the first singular vectors as `iterations` grows.
    """
    matrix = weight.flatten(1)
    for _ in range(iterations):
        v = normalize(u @ matrix, dim=0)
        u = normalize(matrix @ v, dim=0)
    return u, v
