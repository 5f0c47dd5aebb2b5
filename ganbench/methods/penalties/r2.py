"""The zero-centred gradient penalty on generated samples."""

from __future__ import annotations

from torch import Tensor

from ganbench.core.registry import register
from ganbench.methods.penalties.base import PENALTIES, Critic, Penalty, squared_gradient_norms


@register(PENALTIES, "r2")
class R2(Penalty):
    """Zero-centred penalty on generated samples: γ/2 E‖∇D(G(z))‖² (Mescheder et al. 2018, arXiv:1801.04406, eq. 10).

    The squared norm is summed over a sample's own dimensions, as for `r1`.
    """

    gamma: float = 1.0

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, uniform: Tensor, noise: Tensor) -> Tensor:
        return self.gamma / 2 * squared_gradient_norms(critic, fake).mean()
