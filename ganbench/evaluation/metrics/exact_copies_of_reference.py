"""Share of samples that are those that they are compared with."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Metric, Scale
from ganbench.evaluation.metrics.exact_copies import share_of_copies


@register(METRICS, "exact_copies_of_reference")
class ExactCopiesOfReference(Metric):
    """Share of samples that equal a real one that they are compared with, in every byte (ganbench, version 1).

    The reference itself, submitted as samples, scores better than real data in nearly every other metric. Floor samples
    are not in the reference, so the floor is 0 but for real samples that exist twice.
    """

    direction: ClassVar[Direction] = "lower"
    label: ClassVar[str] = "exact copies of the reference"
    scale: ClassVar[Scale] = "share"

    def __call__(self, *, fake: Features, real: Reference) -> float:
        return share_of_copies(fake, real, "reference", lambda: real.samples)
