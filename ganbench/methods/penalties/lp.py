"""The one-sided gradient penalty of WGAN-LP."""

from __future__ import annotations

from torch import Tensor

from ganbench.core.registry import register
from ganbench.methods.penalties.base import PENALTIES, Critic, Penalty, between, gradient_norms


@register(PENALTIES, "lp")
class LipschitzPenalty(Penalty):
    """One-sided penalty: only norms above 1 cost, λ E max(0, ‖∇D(x̂)‖₂ − 1)² (Petzka et al. 2018, arXiv:1709.08894).

    x̂ = u x + (1 − u) G(z), one u ~ U(0, 1) per sample, as for `gp`. A Lipschitz discriminator may have gradient norms
    below 1; `gp` penalises them, `lp` doesn't.
    """

    weight: float = 10.0

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, uniform: Tensor, noise: Tensor) -> Tensor:
        norms = gradient_norms(critic, between(real, fake, uniform))
        return self.weight * (norms - 1).relu().square().mean()
