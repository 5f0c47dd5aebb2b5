"""The non-saturating GAN objective."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import softplus

from ganbench.losses import LOSSES, Loss
from ganbench.registry import register


@register(LOSSES, "non-saturating")
class NonSaturating(Loss):
    """Non-saturating loss: G minimises −E log D(G(z)) (Goodfellow et al. 2014, arXiv:1406.2661, section 3).

    The critic's loss is that of `minimax`; where D is sure that a sample is generated, the gradient with respect to
    its logit tends to −1 instead of 0.
    """

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real).mean() + softplus(fake).mean()

    def generator_loss(self, fake: Tensor, real: Tensor) -> Tensor:
        return softplus(-fake).mean()
