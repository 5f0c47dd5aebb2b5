"""Effective number of different samples, by the most frequent direction."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric
from ganbench.evaluation.metrics.vendi import spectrum_of


@register(METRICS, "vendi_inf")
class VendiInf(Metric):
    """Vendi score of order ∞: 1 / λ of the largest eigenvalue of cosines / N (Pasarkar & Dieng 2024, arXiv:2310.12952).

    From 1 to the dimension of the embedding, at most `vendi_2`: it measures the dominance of the most common direction.
    Features that are all positive share one direction, so real data score low. Compare it with held-out real data at
    the same N, as its floor is.
    """

    direction: ClassVar[Direction] = "real"
    label: ClassVar[str] = "Vendi score of order ∞"
    sees: ClassVar[frozenset[Fault]] = frozenset({"missing-modes"})

    def __call__(self, *, fake: Features, real: Reference) -> float:
        return 1 / float(spectrum_of(fake)[-1])
