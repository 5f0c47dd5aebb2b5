"""Distance of the modes from where they should be."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Metric
from ganbench.evaluation.metrics.mode_geometry import geometry


@register(METRICS, "displacement")
class Displacement(Metric):
    """Mean distance of a sample's mode from the real mode, between their centres, in σ (ganbench, version 1).

    Σ n_k |c_k − c*_k| / σ_k / Σ n_k, with c_k and c*_k the mean of generated and of real embeddings within mode k, and
    σ_k = √(v*_k / 2) for the real variance v*_k over all dimensions: that of a Gaussian in the plane, also for images.
    Samples count as in `width`. Real data score about √(π / n) for n samples of a mode in the plane, by chance.
    """

    direction: ClassVar[Direction] = "lower"
    label: ClassVar[str] = "displacement of the modes"

    def __call__(self, *, fake: Features, real: Reference) -> float:
        pairs = geometry(fake, real)
        total = sum(own.samples for own, _ in pairs)
        return sum(own.samples / total * float((own.centre - true.centre).norm()) / true.sigma for own, true in pairs)
