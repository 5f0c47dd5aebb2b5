"""The non-saturating GAN objective."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import softplus

from ganbench.core.registry import register
from ganbench.methods.losses._cross_entropy import CrossEntropy
from ganbench.methods.losses.base import LOSSES


@register(LOSSES, "non-saturating")
class NonSaturating(CrossEntropy):
    """Non-saturating loss: G minimises −E log D(G(z)) (Goodfellow et al. 2014, arXiv:1406.2661, section 3).

    The discriminator's loss is that of `minimax`. When D is confident that a sample is generated, the gradient with
    respect to its logit tends to −1 instead of 0.
    """

    def generator_loss(self, fake: Tensor, real: Tensor) -> Tensor:
        return softplus(-fake).mean()
