"""The gradient penalty of WGAN-GP."""

from __future__ import annotations

from torch import Tensor

from ganbench.core.registry import register
from ganbench.methods.penalties.base import PENALTIES, Critic, Penalty, between, gradient_norms


@register(PENALTIES, "gp")
class GradientPenalty(Penalty):
    """Two-sided penalty between real and generated samples: λ E(‖∇D(x̂)‖₂ − 1)² (Gulrajani et al. 2017, eq. 3).

    x̂ = u x + (1 − u) G(z), one u ~ U(0, 1) per sample.
    """

    weight: float = 10.0

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, uniform: Tensor, noise: Tensor) -> Tensor:
        norms = gradient_norms(critic, between(real, fake, uniform))
        return self.weight * (norms - 1).square().mean()
