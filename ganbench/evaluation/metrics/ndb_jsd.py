"""Divergence of the shares of regions of the real data."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric
from ganbench.evaluation.metrics.jsd import jensen_shannon
from ganbench.evaluation.metrics.ndb import shares


@register(METRICS, "ndb_jsd")
class NdbJsd(Metric):
    """Jensen–Shannon divergence of the shares of the bins of `ndb`, nats (Richardson & Weiss 2018, arXiv:1805.12462).

    In [0, ln 2]; real data score about (bins − 1) / 4N.
    """

    direction: ClassVar[Direction] = "lower"
    label: ClassVar[str] = "JSD of the bins"
    sees: ClassVar[frozenset[Fault]] = frozenset({"missing-modes", "imbalance", "duplicates", "shrunken-modes"})

    bins: int = 100
    samples: int = 10_000

    def __call__(self, *, fake: Features, real: Reference) -> float:
        return jensen_shannon(*shares(fake, real, min(len(fake), len(real), self.samples), self.bins))
