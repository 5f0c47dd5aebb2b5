"""Effective number of different samples."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric, UndefinedMetricError
from ganbench.evaluation.metrics.memo import memoize_on


@register(METRICS, "vendi")
class Vendi(Metric):
    """Vendi score: exp of the entropy of the eigenvalues of cosines / N (Friedman & Dieng 2023, arXiv:2210.02410).

    The effective number of different samples, from 1 to the lower of N and the dimension of the embedding, so it
    can't distinguish more modes than there are dimensions.
    """

    direction: ClassVar[Direction] = "real"
    label: ClassVar[str] = "Vendi score"
    sees: ClassVar[frozenset[Fault]] = frozenset({"missing-modes"})

    def __call__(self, *, fake: Features, real: Reference) -> float:
        return _score(spectrum_of(fake))


def spectrum_of(features: Features) -> Tensor:
    """The eigenvalues of cosines of all samples / N, float64, ascending; they sum to 1.

    Raises:
        UndefinedMetricError: the embedding of a sample is zero, and so has no direction.
        ValueError: one of them isn't finite.
    """
    return memoize_on(features, ("spectrum",), lambda: _spectrum(features.embedding))


def vendi_score(embedding: Tensor) -> float:
    """The Vendi score of embeddings [N, d] in float64.

    Raises:
        UndefinedMetricError: one of them is zero, and so has no direction.
        ValueError: one of them isn't finite.
    """
    return _score(_spectrum(embedding))


def _score(values: Tensor) -> float:
    return math.exp(max(float(-torch.xlogy(values, values).sum()), 0.0))  # with one direction rounding can leave −1e-16


def _spectrum(embedding: Tensor) -> Tensor:
    if not bool(embedding.isfinite().all()):
        raise ValueError("embeddings must be finite")
    exact = embedding.double()
    norms = exact.norm(dim=1, keepdim=True)
    if bool((norms == 0).any()):
        raise UndefinedMetricError("a sample whose embedding is zero has no direction")
    unit = exact / norms
    # X Xᵀ and XᵀX have the same eigenvalues except for zeros, which don't contribute to the entropy.
    gram = unit.T @ unit if unit.shape[0] > unit.shape[1] else unit @ unit.T
    values: Tensor = torch.linalg.eigvalsh(gram / len(unit)).clamp_min(0)
    return values
