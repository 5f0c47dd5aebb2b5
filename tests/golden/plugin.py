"""A plug-in for the golden runs: one loss, of nothing but `ganbench.plugin`."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor

from ganbench.plugin import LOSSES, Loss, register


@register(LOSSES, "golden-squares")
class GoldenSquares(Loss):
    """Least squares against the mean of the other kind, times `weight`."""

    paired: ClassVar[bool] = True
    output: ClassVar[Literal["probability", "score"]] = "score"

    weight: float = 1.0

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.weight * ((real - fake.mean() - 1).square().mean() + (fake - real.mean() + 1).square().mean())

    def generator_loss(self, fake: Tensor, real: Tensor) -> Tensor:
        return self.critic_loss(fake, real)
