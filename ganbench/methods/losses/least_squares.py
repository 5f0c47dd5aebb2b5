"""The least-squares GAN objective."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor

from ganbench.core.registry import register
from ganbench.methods.losses.base import LOSSES, Loss


@register(LOSSES, "least-squares")
class LeastSquares(Loss):
    """Least-squares loss: D regresses labels 0 and 1, G wants 1 (Mao et al. 2017, arXiv:1611.04076, eq. 9).

    The discriminator minimises ½ E(D(x) − b)² + ½ E(D(G(z)) − a)², the generator ½ E(D(G(z)) − c)² (eq. 2). a is the
    label of generated samples, b that of real ones, and c the output of D that the generator aims for. With a = −1,
    b = 1, c = 0 (eq. 8) they minimise Pearson's χ² divergence. D is the logit itself, any number.

    Raises:
        ValueError: a and b are equal, so that there is nothing to tell apart.
    """

    output: ClassVar[Literal["probability", "score"]] = "score"

    a: float = 0.0
    b: float = 1.0
    c: float = 1.0

    def __post_init__(self) -> None:
        if self.a == self.b:
            raise ValueError(f"a and b, the labels of generated and of real samples, must differ: both are {self.a}")

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return ((real - self.b).square().mean() + (fake - self.a).square().mean()) / 2

    def generator_loss(self, fake: Tensor, real: Tensor) -> Tensor:
        return (fake - self.c).square().mean() / 2
