"""The relativistic average objective."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor
from torch.nn.functional import softplus

from ganbench.core.registry import register
from ganbench.methods.losses.base import LOSSES, Loss


@register(LOSSES, "ragan")
class RaGan(Loss):
    """Relativistic average: each sample against the other kind's mean (Jolicoeur-Martineau 2018, arXiv:1807.00734).

    The discriminator minimises −E log σ(D(x) − E D(G(z))) − E log(1 − σ(D(G(z)) − E D(x))), the generator the same
    with the roles of real and generated samples swapped. The inner means are over the batch. Only differences matter:
    D is a score without a fixed zero. This is the paper's formula; the authors' code halves both losses. Adam doesn't
    see the difference, but a penalty weighs twice as much beside half a loss.
    """

    paired: ClassVar[bool] = True
    output: ClassVar[Literal["probability", "score"]] = "score"

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return _relativistic_average_loss(real, fake)

    def generator_loss(self, fake: Tensor, real: Tensor) -> Tensor:
        return _relativistic_average_loss(fake, real)


def _relativistic_average_loss(winners: Tensor, losers: Tensor) -> Tensor:
    return softplus(losers.mean() - winners).mean() + softplus(losers - winners.mean()).mean()
