"""The relativistic pairing objective."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor
from torch.nn.functional import softplus

from ganbench.core.registry import register
from ganbench.methods.losses.base import LOSSES, Loss


@register(LOSSES, "rpgan")
class RpGan(Loss):
    """Relativistic pairing: D tells which of a pair is real (Jolicoeur-Martineau 2018, arXiv:1807.00734).

    The discriminator minimises E softplus(−(D(x) − D(G(z)))), the generator E softplus(−(D(G(z)) − D(x))), as in Huang
    et al. 2024, arXiv:2501.05441, eq. 2. Logits are paired by position in the batch, so both must be [B]. Only
    differences matter: D is a score without a fixed zero.
    """

    paired: ClassVar[bool] = True
    output: ClassVar[Literal["probability", "score"]] = "score"

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(fake - real).mean()

    def generator_loss(self, fake: Tensor, real: Tensor) -> Tensor:
        return softplus(real - fake).mean()
