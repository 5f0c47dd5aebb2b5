"""The original GAN objective."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import softplus

from ganbench.core.registry import register
from ganbench.methods.losses._cross_entropy import CrossEntropy
from ganbench.methods.losses.base import LOSSES


@register(LOSSES, "minimax")
class Minimax(CrossEntropy):
    """Original saturating loss: G minimises E log(1 − D(G(z))) (Goodfellow et al. 2014, arXiv:1406.2661, eq. 1).

    min_G max_D E log D(x) + E log(1 − D(G(z))), with D = σ(logit). When D is confident that a sample is generated
    (logit → −∞) the generator's gradient vanishes: the loss saturates.
    """

    def generator_loss(self, fake: Tensor, real: Tensor) -> Tensor:
        return -softplus(fake).mean()
