"""The state of a mode: lost, thin, not sharp, or crowded, beyond what real samples show by chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, pdtr, pdtrc

LOST, THIN = 0.1, 0.5
"""A mode is lost below this share of its fair share of all samples, and thin below the second one."""
CROWDED = 1.5
"""A mode is crowded above this many times its fair share of all samples."""
SHARP = 0.01
"""A mode is sharp with two good samples and this share of the samples that it should hold."""
BEYOND_CHANCE = 5.0
"""Standard deviations of real samples beyond which a difference is not attributed to chance."""

ModeState = Literal["lost", "thin", "not sharp"]
STATES: tuple[ModeState, ...] = ("lost", "thin", "not sharp")

Values = NDArray[np.float64]


def mode_states(
    shares: Mapping[str, float], good: Mapping[str, float], fair: Mapping[str, float], samples: float
) -> dict[str, ModeState]:
    """The modes that are lost, thin or not sharp.

    Lost or thin: fewer than 10 or 50 % of the mode's fair share of *all* samples belong to it, and so few that real
    samples don't do it by chance. Not sharp: the mode has its samples, but they lie off it, so that fewer than two of
    them, or than 1 % of what it should hold, are good.

    Args:
        shares: of all samples, by mode.
        good: of good samples in all samples, by mode.
        fair: of the mode in real data.
        samples: number of samples.
    """
    names = list(fair)
    share, good_share, fair_share = (np.array([of[name] for name in names]) for of in (shares, good, fair))
    expected = samples * fair_share
    lost = is_short(share, fair_share, samples, LOST)
    thin = is_short(share, fair_share, samples, THIN) & ~lost
    blurred = (np.round(samples * good_share) < np.maximum(2, SHARP * expected)) & ~lost & ~thin & (expected >= 2)
    states: dict[str, ModeState] = {}
    for name, is_lost, is_thin, is_blurred in zip(names, lost, thin, blurred, strict=True):
        if is_lost or is_thin or is_blurred:
            states[name] = "lost" if is_lost else "thin" if is_thin else "not sharp"
    return states


def is_short(share: Values, fair: Values, samples: Values | float, below: float) -> NDArray[np.bool_]:
    """The modes with less than a part of their fair share of the samples, beyond chance, as a mask.

    Args:
        share: of all samples, by mode.
        fair: in real data, by mode.
        samples: number of samples; one for all modes, or one for each.
        below: the part, such as `LOST`.
    """
    # A count of a mode is nearly Poisson; the probability is that of five standard deviations.
    by_chance = pdtr(np.round(samples * share), samples * fair) >= float(ndtr(-BEYOND_CHANCE))
    short: NDArray[np.bool_] = (share < below * fair) & ~by_chance
    return short


def crowded_modes(shares: Mapping[str, float], fair: Mapping[str, float], samples: float) -> tuple[str, ...]:
    """The modes with more than `CROWDED` times their fair share of all samples, beyond chance.

    Args:
        shares: of all samples, by mode.
        fair: of the mode in real data.
        samples: number of samples.
    """
    share, fair_share = (np.array([of[name] for name in fair]) for of in (shares, fair))
    counts = np.round(samples * share)
    by_chance = pdtrc(np.maximum(counts - 1, 0), samples * fair_share) >= float(ndtr(-BEYOND_CHANCE))
    crowded = (share > CROWDED * fair_share) & ~by_chance
    return tuple(name for name, is_crowded in zip(fair, crowded, strict=True) if is_crowded)
