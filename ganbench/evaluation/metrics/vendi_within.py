"""Effective number of different samples within a mode."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric, UndefinedMetricError
from ganbench.evaluation.metrics.by_mode import by_mode, draw
from ganbench.evaluation.metrics.vendi import vendi_score


@register(METRICS, "vendi_within")
class VendiWithin(Metric):
    """Mean Vendi score of a sample's own mode, of up to `per_mode` samples (Friedman & Dieng 2023, arXiv:2210.02410).

    Σ n_k V_k / Σ n_k over the modes with two samples or more. V_k is at most the number of its samples, and grows with
    it up to a few times the dimension. So large modes are cut to one size; with fewer samples per mode (Stacked-MNIST)
    values are comparable only for equal totals, as value and floor are.
    """

    direction: ClassVar[Direction] = "real"
    label: ClassVar[str] = "Vendi score within modes"
    sees: ClassVar[frozenset[Fault]] = frozenset({"shrunken-modes"})

    per_mode: int = 500

    def __post_init__(self) -> None:
        if self.per_mode < 2:
            raise ValueError(f"per_mode must be at least 2, not {self.per_mode}")

    def __call__(self, *, fake: Features, real: Reference) -> float:
        parts = by_mode(fake)
        if not parts:
            raise UndefinedMetricError("no mode has two samples")
        total = sum(len(part) for part in parts.values())
        drawn = {mode: fake.embedding[draw(fake, part, self.per_mode, mode)] for mode, part in parts.items()}
        return sum(len(parts[mode]) / total * vendi_score(embedding) for mode, embedding in drawn.items())
