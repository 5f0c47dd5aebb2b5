"""The gradient penalty of WGAN-GP."""

from __future__ import annotations

from torch import Tensor

from ganbench.penalties import PENALTIES, Critic, Penalty, squared_gradient_norms
from ganbench.registry import register


@register(PENALTIES, "gp")
class GradientPenalty(Penalty):
    """Two-sided penalty between real and generated samples: λ E(‖∇D(x̂)‖₂ − 1)² (Gulrajani et al. 2017, eq. 3).

    x̂ = u x + (1 − u) G(z), one u ~ U(0, 1) a sample.
    """

    weight: float = 10.0

    def __post_init__(self) -> None:
        if self.weight < 0:
            raise ValueError(f"weight must not be negative: {self.weight}")

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, uniform: Tensor) -> Tensor:
        u = uniform.reshape(-1, *(1,) * (real.ndim - 1))
        between = u * real + (1 - u) * fake
        # The square root's own gradient is infinite at zero; a floor far below any real norm keeps it finite.
        norms = squared_gradient_norms(critic, between).clamp_min(1e-12).sqrt()
        return self.weight * (norms - 1).square().mean()
