"""The relativistic pairing objective with zero-centred gradient penalties on real and generated samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ganbench.core.registry import register
from ganbench.methods.losses.base import LOSSES
from ganbench.methods.losses.rpgan import RpGan


@register(LOSSES, "r3gan")
class R3Gan(RpGan):
    """Relativistic pairing with R1 and R2 and no momentum (Huang et al. 2024, arXiv:2501.05441).

    The recipe is the paper's for Stacked MNIST, as fractions of training: over the first fifth (2 M of 10 M images) γ
    falls from 1 to .1, β₂ rises from .9 to .99 and the half-life of the generator's average grows to a twentieth
    (.5 M). The learning rate stays constant, as it does there (the authors' presets for other data sets decrease it to
    a quarter). By default the penalties are the components `r1` and `r2`; `--penalty` replaces them.
    """

    recipe: ClassVar[Mapping[str, Any]] = {
        "generator_lr": 2e-4,
        "critic_lr": 2e-4,
        "generator_betas": (0.0, 0.9, 0.99),
        "critic_betas": (0.0, 0.9, 0.99),
        "ema": 0.05,
        "burn_in": 0.2,
    }
    penalties: ClassVar[tuple[str, ...]] = ("r1:gamma=1,decay=0.1", "r2:gamma=1,decay=0.1")
