"""The Wasserstein objective with a gradient penalty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ganbench.core.registry import register
from ganbench.methods.losses.base import LOSSES
from ganbench.methods.losses.wasserstein import Wasserstein


@register(LOSSES, "wgan-gp")
class WganGp(Wasserstein):
    """Wasserstein loss with gradient penalty: 5 critic steps, λ = 10 (Gulrajani et al. 2017, arXiv:1704.00028, eq. 3).

    Instead of weight clipping, the penalty λ E(‖∇D(x̂)‖ − 1)² keeps D near Lipschitz. By default it is the component
    `gp`; `--penalty` replaces it.
    """

    recipe: ClassVar[Mapping[str, Any]] = {
        "n_critic": 5,
        "generator_lr": 1e-4,
        "critic_lr": 1e-4,
        "generator_betas": (0.0, 0.9),
        "critic_betas": (0.0, 0.9),
    }
    penalties: ClassVar[tuple[str, ...]] = ("gp:weight=10",)
    wrappers: ClassVar[tuple[str, ...]] = ()
