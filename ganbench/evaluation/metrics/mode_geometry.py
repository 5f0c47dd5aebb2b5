"""Centre and width of each mode, of all its samples but far outliers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import UndefinedMetricError
from ganbench.evaluation.metrics.by_mode import by_mode
from ganbench.evaluation.metrics.memo import memoize_on

REACH = 3.0
"""Radius within which samples of a mode count, in median distances from its centre: 3.53 σ of a Gaussian in the plane,
which holds 99.8 % of it.
"""


class ModeGeometry(NamedTuple):
    """Position and size of the samples of one mode.

    Attributes:
        samples: number of samples that count.
        centre: their mean, float64 [d].
        variance: their unbiased variance, summed over dimensions.
        median: median distance of all samples of the mode from their coordinate-wise median.
    """

    samples: int
    centre: Tensor
    variance: float
    median: float

    @property
    def sigma(self) -> float:
        """Standard deviation of a Gaussian in the plane with this variance: deviations are measured in these."""
        return math.sqrt(self.variance / 2)


def geometry(fake: Features, real: Reference) -> list[tuple[ModeGeometry, ModeGeometry]]:
    """Generated and real geometry of each mode that has two samples in both sets.

    Raises:
        UndefinedMetricError: there is no such mode.
        ValueError: an embedding isn't finite.
    """
    true = memoize_on(real, ("geometry",), lambda: _geometry(real, {}))
    reaches = {mode: REACH * found.median for mode, found in true.items()}
    own = memoize_on(fake, ("geometry", tuple(reaches.items())), lambda: _geometry(fake, reaches))
    pairs = [(found, true[mode]) for mode, found in own.items() if mode in true and true[mode].variance > 0]
    if not pairs:
        raise UndefinedMetricError("no mode has two samples in both sets")
    return pairs


def _geometry(features: Features, least_reaches: Mapping[int, float]) -> dict[int, ModeGeometry]:
    if not bool(features.embedding.isfinite().all()):
        raise ValueError("embeddings must be finite")
    found = {}
    for mode, part in by_mode(features).items():
        points = features.embedding[part].double()
        middle = torch.quantile(points, 0.5, dim=0)
        distances = (points - middle).norm(dim=1)
        median = float(distances.quantile(0.5))
        inside = points[distances <= max(REACH * median, least_reaches.get(mode, 0.0))]
        if len(inside) >= 2:
            found[mode] = ModeGeometry(len(inside), inside.mean(0), float(inside.var(0).sum()), median)
    return found
