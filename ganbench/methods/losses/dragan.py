"""The non-saturating objective with a gradient penalty around real samples."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.methods.losses.base import LOSSES
from ganbench.methods.losses.non_saturating import NonSaturating


@register(LOSSES, "dragan")
class Dragan(NonSaturating):
    """Non-saturating loss with a gradient penalty around real samples (Kodali et al. 2017, arXiv:1705.07215).

    By default the penalty is the component `dragan` with λ = 10; `--penalty` replaces it.
    """

    penalties: ClassVar[tuple[str, ...]] = ("dragan:weight=10",)
