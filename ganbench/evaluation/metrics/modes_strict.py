"""Number of modes that appear beyond doubt."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric


@register(METRICS, "modes_strict")
class StrictModes(Metric):
    """Modes with at least two good samples and 1 % of what they should hold (ganbench, version 2).

    A mode k should hold N · w_k of N samples. Classifier errors and stray samples often give a mode one hit, but seldom
    two good ones, so this count does not grow with the number of samples as the classic one does.
    """

    direction: ClassVar[Direction] = "higher"
    from_modes: ClassVar[bool] = True
    label: ClassVar[str] = "modes covered"
    sees: ClassVar[frozenset[Fault]] = frozenset({"missing-modes"})

    share: float = 0.01

    def __call__(self, *, fake: Features, real: Reference) -> float:
        return float(self.covered(fake, real).sum())

    def covered(self, fake: Features, real: Reference) -> Tensor:
        """Covered modes, bool [K]."""
        least = (self.share * len(fake) * real.weights).clamp_min(2)
        return fake.counts(good=True) >= least.to(fake.labels.device)

    def ceiling(self, real: Reference) -> float:
        return float(real.modes)
