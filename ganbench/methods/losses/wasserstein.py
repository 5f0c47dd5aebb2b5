"""The Wasserstein objective."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from torch import Tensor

from ganbench.core.registry import register
from ganbench.methods.losses.base import LOSSES, Loss


@register(LOSSES, "wasserstein")
class Wasserstein(Loss):
    """Wasserstein loss with clipped weights: 5 critic steps, RMSProp (Arjovsky et al. 2017, arXiv:1701.07875, alg. 1).

    The critic minimises E D(G(z)) − E D(x), the generator −E D(G(z)). As long as D is Lipschitz, the critic's loss,
    negated, is a lower bound of a multiple of the Wasserstein-1 distance. By default the wrapper `clip` ensures this;
    `--wrapper` replaces it.
    """

    recipe: ClassVar[Mapping[str, Any]] = {
        "n_critic": 5,
        "optimizer": "rmsprop",
        "generator_lr": 5e-5,
        "critic_lr": 5e-5,
        # The paper doesn't state RMSProp's smoothing; its authors' code leaves it at PyTorch's .99.
        "generator_betas": (0.0, 0.99),
        "critic_betas": (0.0, 0.99),
    }
    wrappers: ClassVar[tuple[str, ...]] = ("clip:limit=0.01",)
    output: ClassVar[Literal["probability", "score"]] = "score"

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return fake.mean() - real.mean()

    def generator_loss(self, fake: Tensor, real: Tensor) -> Tensor:
        return -fake.mean()
