"""The zero-centred gradient penalty on real samples."""

from __future__ import annotations

from torch import Tensor

from ganbench.core.registry import register
from ganbench.methods.penalties.base import PENALTIES, Critic, Penalty, squared_gradient_norms


@register(PENALTIES, "r1")
class R1(Penalty):
    """Zero-centred penalty on real samples: γ/2 E‖∇D(x)‖² (Mescheder et al. 2018, arXiv:1801.04406, eq. 9).

    The squared norm is summed over a sample's own dimensions, so the same γ weighs more on larger samples.
    """

    gamma: float = 1.0

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, uniform: Tensor, noise: Tensor) -> Tensor:
        return self.gamma / 2 * squared_gradient_norms(critic, real).mean()
