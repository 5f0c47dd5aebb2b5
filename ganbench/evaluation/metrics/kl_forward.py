"""Divergence of the shares of the modes from those in the data, weighted by the data."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric
from ganbench.evaluation.metrics.kl import divergence


@register(METRICS, "kl_forward")
class ForwardKl(Metric):
    """KL(data ‖ generated) of the shares of the modes, with half a sample added to each (Krichevsky & Trofimov 1981).

    Σ q_k ln(q_k / p_k) in nats. A missing mode would make it infinite, so p_k = (n_k + ½) / (N + K / 2). It penalises
    missing modes more than the usual KL does, increasingly so for larger N. A perfect sampler scores (K − 1) / 2N.
    """

    direction: ClassVar[Direction] = "lower"
    from_modes: ClassVar[bool] = True
    label: ClassVar[str] = "forward KL of the modes' shares"
    sees: ClassVar[frozenset[Fault]] = frozenset({"missing-modes", "imbalance"})

    def __call__(self, *, fake: Features, real: Reference) -> float:
        smoothed = fake.counts().double() + 0.5
        return divergence(real.weights.to(smoothed.device), smoothed / smoothed.sum())
