"""The gradient penalty of DRAGAN."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from ganbench.core.registry import register
from ganbench.methods.penalties.base import PENALTIES, Critic, Penalty, gradient_norms


@register(PENALTIES, "dragan")
class DraganPenalty(Penalty):
    """Two-sided penalty around real samples: λ E(‖∇D(x + δ)‖₂ − 1)² (Kodali et al. 2017, arXiv:1705.07215).

    δ = spread · std · ε with ε ~ N(0, 1) for each number, and std the standard deviation over all numbers of the real
    batch (divided by their count, not by one less). That is the paper's δ ~ N(0, cI), at the scale of the authors'
    code. The code differs from the paper in two ways: its noise is U(0, 1), so never negative, and it takes the
    gradient at a random point between x and x + δ.
    """

    noisy: ClassVar[bool] = True

    weight: float = 10.0
    spread: float = 0.5

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, uniform: Tensor, noise: Tensor) -> Tensor:
        std = real.detach().std(correction=0)
        norms = gradient_norms(critic, real + self.spread * std * noise)
        return self.weight * (norms - 1).square().mean()
