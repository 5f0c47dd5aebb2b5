"""Share of samples that belong to a mode."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric, Scale


@register(METRICS, "hq")
class HighQuality(Metric):
    """Share of samples that the protocol's rule accepts, in [0, 1] (Srivastava et al. 2017, arXiv:1705.07761).

    Real data don't score 1: an exact sampler of Gaussians has 98.89 % within 3 σ (L2). A generator above that has lost
    the tails of its modes.
    """

    direction: ClassVar[Direction] = "real"
    from_modes: ClassVar[bool] = True
    label: ClassVar[str] = "share of good samples"
    scale: ClassVar[Scale] = "share"
    sees: ClassVar[frozenset[Fault]] = frozenset({"off-mode"})

    def __call__(self, *, fake: Features, real: Reference) -> float:
        return float(fake.good.double().mean())
