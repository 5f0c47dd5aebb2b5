"""The Wasserstein objective with a gradient penalty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from ganbench.losses import LOSSES, Loss
from ganbench.registry import register


@register(LOSSES, "wgan-gp")
class WganGp(Loss):
    """Wasserstein loss with gradient penalty: 5 critic steps, λ = 10 (Gulrajani et al. 2017, arXiv:1704.00028, eq. 3).

    The critic minimises E D(G(z)) − E D(x) + λ E(‖∇D(x̂)‖ − 1)², the generator −E D(G(z)). The penalty is the
    component `gp`, a default that `--penalty` replaces.
    """

    recipe: ClassVar[Mapping[str, Any]] = {
        "critic_steps": 5,
        "generator_lr": 1e-4,
        "critic_lr": 1e-4,
        "generator_betas": (0.0, 0.9),
        "critic_betas": (0.0, 0.9),
    }
    penalties: ClassVar[tuple[str, ...]] = ("gp:weight=10",)
    critic_scale: ClassVar[str] = "score"

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return fake.mean() - real.mean()

    def generator_loss(self, fake: Tensor, real: Tensor) -> Tensor:
        return -fake.mean()
