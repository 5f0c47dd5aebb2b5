"""Fréchet distance between two Gaussians fitted to features."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from ganbench.metrics import METRICS, Direction, Metric
from ganbench.metrics.evaluator import Features
from ganbench.registry import register


@register(METRICS, "fid")
class Fid(Metric):
    """Fréchet distance on the frozen evaluator's features; not Inception-FID (Heusel et al. 2017, arXiv:1706.08500)."""

    direction: ClassVar[Direction] = "lower"

    def __call__(self, *, fake: Features, real: Features) -> float:
        return frechet_distance(fake.embedding, real.embedding)


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """‖μa − μb‖² + tr(Σa + Σb − 2 (Σa Σb)^½) in float64, for features [N, d] and [M, d]; ≥ 0.

    Raises:
        ValueError: fewer than two samples, or features that aren't finite.
    """
    for features in (a, b):
        if features.shape[0] < 2:
            raise ValueError("a covariance needs at least two samples")
        if not bool(features.isfinite().all()):
            raise ValueError("features must be finite")
    a, b = a.double(), b.double()
    covariance_a, covariance_b = torch.cov(a.T), torch.cov(b.T)
    # The eigenvalues of Σa Σb are those of the symmetric Σa^½ Σb Σa^½, where they are real and can't be negative.
    root = _symmetric_root(covariance_a)
    overlap = torch.linalg.eigvalsh(root @ covariance_b @ root).clamp_min(0).sqrt().sum()
    means = (a.mean(0) - b.mean(0)).square().sum()
    distance = means + covariance_a.trace() + covariance_b.trace() - 2 * overlap
    return max(float(distance), 0.0)  # rounding can leave −1e-12


def _symmetric_root(matrix: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    root: Tensor = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
    return root
