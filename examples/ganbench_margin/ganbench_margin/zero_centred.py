"""The zero-centred gradient penalty between real and generated samples."""

from __future__ import annotations

from torch import Tensor

from ganbench.plugin import PENALTIES, Critic, Penalty, between, register, squared_gradient_norms


@register(PENALTIES, "zero-centred")
class ZeroCentred(Penalty):
    """Zero-centred penalty between samples: λ E‖∇D(x̂)‖² (0-GP, Thanh-Tung et al. 2019, arXiv:1902.03984).

    x̂ = u x + (1 − u) G(z), one u ~ U(0, 1) an input, as for `gp`; the norm is pulled to 0 and not to 1.
    """

    weight: float = 10.0

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, uniform: Tensor, noise: Tensor) -> Tensor:
        return self.weight * squared_gradient_norms(critic, between(real, fake, uniform)).mean()
