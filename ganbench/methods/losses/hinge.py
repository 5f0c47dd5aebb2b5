"""The hinge GAN objective."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor

from ganbench.core.registry import register
from ganbench.methods.losses.base import LOSSES, Loss


@register(LOSSES, "hinge")
class Hinge(Loss):
    """Hinge loss: D separates with a margin, G raises its score (Lim & Ye 2017, arXiv:1705.02894).

    The discriminator minimises E max(0, 1 − D(x)) + E max(0, 1 + D(G(z))), the generator −E D(G(z)). Miyato et al.
    2018, arXiv:1802.05957, give it in this form in eq. 16 and 17. Samples beyond the margin don't contribute to the
    discriminator's gradient.
    """

    output: ClassVar[Literal["probability", "score"]] = "score"

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return (1 - real).relu().mean() + (1 + fake).relu().mean()

    def generator_loss(self, fake: Tensor, real: Tensor) -> Tensor:
        return -fake.mean()
