"""Width of the modes around their own centres."""

from __future__ import annotations

import math
from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric
from ganbench.evaluation.metrics.mode_geometry import geometry


@register(METRICS, "width")
class Width(Metric):
    """Width of the modes around their own centres, relative to real ones; 1 for real data (ganbench, version 1).

    √(Σ n_k v_k / v*_k / Σ n_k), with v_k and v*_k the variance of generated and of real embeddings within mode k,
    unbiased and over all dimensions, n_k its generated samples. All samples assigned to a mode count, good or not, up
    to 3 median distances from the mode's own centre, and no nearer than the same for real ones. So a mode that has
    moved is as wide as before (see `displacement`), and a smeared one is wider than 1; `mode_width` sees neither.
    """

    direction: ClassVar[Direction] = "real"
    label: ClassVar[str] = "width of the modes"
    sees: ClassVar[frozenset[Fault]] = frozenset({"shrunken-modes"})

    def __call__(self, *, fake: Features, real: Reference) -> float:
        pairs = geometry(fake, real)
        total = sum(own.samples for own, _ in pairs)
        return math.sqrt(sum(own.samples / total * own.variance / true.variance for own, true in pairs))
