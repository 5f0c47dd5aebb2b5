"""The discriminator's outputs as a monitor takes them."""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor

from ganbench.core.errors import GanbenchError


def critic_means(d_real: object, d_fake: object) -> tuple[float, float] | None:
    """Mean outputs on real and generated samples; None if they weren't given.

    Raises:
        GanbenchError: one is missing, or they aren't probabilities.
    """
    if d_real is None and d_fake is None:
        return None
    if d_real is None or d_fake is None:
        raise GanbenchError("give both d_real and d_fake, or neither")
    return _mean(d_real, "d_real"), _mean(d_fake, "d_fake")


def _mean(outputs: object, name: str) -> float:
    if isinstance(outputs, Tensor):
        outputs = outputs.detach().double().cpu().numpy()
    try:
        values = np.asarray(outputs, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise GanbenchError(f"{name} must be a number or an array of numbers, not {type(outputs).__name__}") from error
    if not values.size:
        raise GanbenchError(f"{name} is empty")
    mean = float(values.mean())
    if math.isfinite(mean) and (values.min() < 0 or values.max() > 1):
        raise GanbenchError(
            f"{name} must be probabilities in [0, 1], not in [{values.min():.3g}, {values.max():.3g}]: apply the "
            f"sigmoid to logits, and leave it out for a critic"
        )
    return mean
