"""Losses of seeds: lower is better, and a failed seed (NaN) ranks below every other."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

TRIMMED = 0.25
"""The share of seeds that the interquartile mean trims on each side."""


def as_losses(scores: Values, direction: str, target: float | Values = math.nan) -> Values:
    """Convert scores to losses (lower is better); NaN stays NaN.

    Args:
        direction: `lower`, `higher`, or `real`: the closer to `target`, the score of real data, the better.
        target: one for all scores, or one for each.

    Raises:
        ValueError: the direction is unknown.
    """
    match direction:
        case "lower":
            return scores
        case "higher":
            return -scores
        case "real":
            return np.abs(scores - target)
    raise ValueError(f"there is no direction '{direction}'")


def ranked(losses: Values) -> Values:
    """Sort losses in ascending order, failed seeds last, as infinite losses.

    Raises:
        ValueError: there are no seeds.
    """
    if not len(losses):
        raise ValueError("there are no seeds")
    return np.sort(np.where(np.isnan(losses), np.inf, losses))


def iqm(losses: Values) -> float:
    """Interquartile mean (Agarwal et al. 2021, arXiv:2108.13264): the mean of the middle half of the seeds.

    Failed seeds (NaN) rank worst; the mean is infinite if one of them falls into the middle half, which is so exactly
    if more than a quarter of the seeds failed.

    Raises:
        ValueError: there are no seeds.
    """
    return float(middles(ranked(losses)[None])[0])


def middles(rows: Values) -> Values:
    """Interquartile mean of each sorted row [R, n]."""
    cut = int(TRIMMED * rows.shape[1])
    return np.asarray(rows[:, cut : rows.shape[1] - cut].mean(1))


def profile(losses: Values, thresholds: Values) -> Values:
    """Performance profile: the share of all seeds whose loss is at most each threshold; a failed seed's never is."""
    return np.asarray((ranked(losses)[:, None] <= thresholds[None]).mean(0))
