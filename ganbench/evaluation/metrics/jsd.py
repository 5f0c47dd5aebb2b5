"""Bounded divergence of the shares of the modes from those in the data."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric
from ganbench.evaluation.metrics.kl import divergence


@register(METRICS, "jsd")
class Jsd(Metric):
    """Jensen–Shannon divergence of the shares of the modes from the data's, in nats, in [0, ln 2] (Lin 1991)."""

    direction: ClassVar[Direction] = "lower"
    from_modes: ClassVar[bool] = True
    label: ClassVar[str] = "JSD of the modes' shares"
    sees: ClassVar[frozenset[Fault]] = frozenset({"missing-modes", "imbalance"})

    def __call__(self, *, fake: Features, real: Reference) -> float:
        shares = fake.counts().double() / len(fake)
        return jensen_shannon(shares, real.weights.to(shares.device))


def jensen_shannon(p: Tensor, q: Tensor) -> float:
    """½ KL(p ‖ m) + ½ KL(q ‖ m) with m = (p + q) / 2, in nats, for distributions [K]; in [0, ln 2]."""
    middle = (p + q) / 2
    return (divergence(p, middle) + divergence(q, middle)) / 2
