"""The relativistic average hinge objective."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor

from ganbench.plugin import LOSSES, Loss, register


@register(LOSSES, "relativistic-hinge")
class RelativisticHinge(Loss):
    """Hinge loss of each sample against the other kind's mean (RaHingeGAN, Jolicoeur-Martineau 2018, arXiv:1807.00734).

    The critic minimises E max(0, m − (D(x) − E D(G(z)))) + E max(0, m + (D(G(z)) − E D(x))), the generator the same
    with the roles of real and generated samples swapped; m is `margin`, 1 in the paper. Means are over the batch.

    Raises:
        ValueError: `margin` is not above 0.
    """

    paired: ClassVar[bool] = True
    output: ClassVar[Literal["probability", "score"]] = "score"

    margin: float = 1.0

    def __post_init__(self) -> None:
        if not self.margin > 0:
            raise ValueError(f"margin must be above 0, not {self.margin}")

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return self._above_the_others(real, fake)

    def generator_loss(self, fake: Tensor, real: Tensor) -> Tensor:
        return self._above_the_others(fake, real)

    def _above_the_others(self, winners: Tensor, losers: Tensor) -> Tensor:
        won = (self.margin - (winners - losers.mean())).relu().mean()
        lost = (self.margin + (losers - winners.mean())).relu().mean()
        return won + lost
