"""Effective number of different samples, by the collision probability of directions."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric
from ganbench.evaluation.metrics.vendi import spectrum_of


@register(METRICS, "vendi_2")
class Vendi2(Metric):
    """Vendi score of order 2: 1 / Σ λ² of the eigenvalues λ of cosines / N (Pasarkar & Dieng 2024, arXiv:2310.12952).

    Equal to N² over the sum of squared cosines of all pairs, the RKE score of a cosine kernel (Jalali et al. 2023).
    From 1 to the dimension of the embedding, at most `vendi`: rare directions hardly count. It grows with N, so
    compare it with held-out real data at the same N, as its floor is.
    """

    direction: ClassVar[Direction] = "real"
    label: ClassVar[str] = "Vendi score of order 2"
    sees: ClassVar[frozenset[Fault]] = frozenset({"missing-modes"})

    def __call__(self, *, fake: Features, real: Reference) -> float:
        return 1 / float(spectrum_of(fake).square().sum())
