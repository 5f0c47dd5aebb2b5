"""Fréchet distance between two Gaussians fitted to features."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric, Scale, UndefinedMetricError


@register(METRICS, "fid")
class Fid(Metric):
    """Fréchet distance on the frozen evaluator's features; not Inception-FID (Heusel et al. 2017, arXiv:1706.08500).

    Biased: it falls with the number of samples, so only numbers with the same N can be compared.
    """

    direction: ClassVar[Direction] = "lower"
    label: ClassVar[str] = "FID"
    names_evaluator: ClassVar[bool] = True
    scale: ClassVar[Scale] = "log"
    sees: ClassVar[frozenset[Fault]] = frozenset({"missing-modes", "shrunken-modes", "off-mode"})

    def __call__(self, *, fake: Features, real: Reference) -> float:
        return frechet_distance(fake.embedding, real.embedding)


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """‖μa − μb‖² + tr(Σa + Σb − 2 (Σa Σb)^½) in float64, for features [N, d] and [M, d]; ≥ 0.

    Raises:
        UndefinedMetricError: fewer than two samples.
        ValueError: features that aren't finite.
    """
    for features in (a, b):
        if features.shape[0] < 2:
            raise UndefinedMetricError("a covariance needs at least two samples")
        if not bool(features.isfinite().all()):
            raise ValueError("features must be finite")
    a, b = a.double(), b.double()
    factor_a, factor_b = _factor(a), _factor(b)
    # With Σ = RᵀR the eigenvalues of Σa Σb are the squared singular values of Ra Rbᵀ. This avoids roots of rounding
    # errors, which the matrix root of a singular covariance would involve.
    overlap = torch.linalg.svdvals(factor_a @ factor_b.T).sum()
    means = (a.mean(0) - b.mean(0)).square().sum()
    distance = means + factor_a.square().sum() + factor_b.square().sum() - 2 * overlap
    return max(float(distance), 0.0)  # rounding can leave −1e-12


def _factor(features: Tensor) -> Tensor:
    """R with RᵀR = the unbiased covariance of features [N, d]."""
    centred = (features - features.mean(0)) / (len(features) - 1) ** 0.5
    factor: Tensor = torch.linalg.qr(centred, mode="r").R
    return factor
