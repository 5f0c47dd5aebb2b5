"""Width of the modes."""

from __future__ import annotations

import math
from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric, UndefinedMetricError
from ganbench.evaluation.metrics.by_mode import by_mode
from ganbench.evaluation.metrics.memo import memoize_on


@register(METRICS, "mode_width")
class ModeWidth(Metric):
    """Width of the modes relative to real ones; 1 for real data, 0 for points (ganbench, version 1).

    √(Σ n_k v_k / v*_k / Σ n_k), with v_k and v*_k the variance within a mode of generated and of real embeddings,
    unbiased and over all dimensions, n_k its generated samples. Only good samples count, and only modes with two
    of them in both sets. So modes are truncated at the rule's edge, as are the real ones: a mode that has moved reads
    as narrower, and a smeared one as hardly wider. `width` and `displacement` keep these apart.
    """

    direction: ClassVar[Direction] = "real"
    sees: ClassVar[frozenset[Fault]] = frozenset({"shrunken-modes"})
    label: ClassVar[str] = "mode width, of good samples"

    def __call__(self, *, fake: Features, real: Reference) -> float:
        true = memoize_on(real, ("widths",), lambda: _variances(real))
        parts = {mode: part for mode, part in _variances(fake).items() if true.get(mode, (0, 0.0))[1] > 0}
        if not parts:
            raise UndefinedMetricError("no mode has two good samples in both sets")
        total = sum(count for count, _ in parts.values())
        return math.sqrt(sum(count / total * variance / true[mode][1] for mode, (count, variance) in parts.items()))


def _variances(features: Features) -> dict[int, tuple[int, float]]:
    """Number of good samples of each mode, and the variance of their embedding, summed over its dimensions."""
    if not bool(features.embedding.isfinite().all()):
        raise ValueError("embeddings must be finite")
    parts = by_mode(features, features.good)
    exact = features.embedding.double()
    return {mode: (len(part), float(exact[part].var(0).sum())) for mode, part in parts.items()}
