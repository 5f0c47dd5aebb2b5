"""Number of real samples that generated ones retrieve."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric, UndefinedMetricError
from ganbench.evaluation.metrics.by_mode import draw
from ganbench.evaluation.metrics.distances import by_row, column_of_smallest, squares
from ganbench.evaluation.metrics.memo import memoize_on

MIN_QUERIES = 50
FEW_DIMENSIONS = 32
"""Up to this many dimensions, distances are computed in float64: in float32, near neighbours in the plane tie."""


@register(METRICS, "retrieval")
class Retrieval(Metric):
    """Share of real samples that are retrieved, calibrated on real data (Dombrowski et al. 2025, arXiv:2411.16171).

    Each of n generated samples retrieves the nearest real one; k different ones are retrieved. The number of learned
    samples is the s that makes this most likely if all s are equally likely, P(k | s) ∝ s! / ((s − k)! sⁿ), at most the
    number of real samples. It is divided by the same number for held-out real data (the paper's adjusted score),
    because real samples aren't retrieved equally often either: about 1 for real data, ± .02 by chance. Half of the
    reference is retrieved by the generated samples and by its other half, so n is half the number of samples.
    """

    direction: ClassVar[Direction] = "higher"
    label: ClassVar[str] = "image retrieval score"
    sees: ClassVar[frozenset[Fault]] = frozenset({"shrunken-modes", "duplicates"})

    samples: int = 10_000

    def __call__(self, *, fake: Features, real: Reference) -> float:
        queries = min(len(fake), len(real), self.samples) // 2
        if queries < MIN_QUERIES:
            raise UndefinedMetricError(f"there are too few samples to retrieve real ones: {2 * queries}")

        def ideal() -> tuple[Tensor, int]:
            drawn = _draw(real, 2 * queries)
            gallery = drawn[queries:]
            return gallery, learned(_retrieved(drawn[:queries], gallery), queries, queries)

        gallery, of_real = memoize_on(real, ("retrieval", queries), ideal)
        return learned(_retrieved(_draw(fake, queries), gallery), queries, queries) / of_real


def learned(retrieved: int, queries: int, most: int) -> int:
    """The most likely number s ≤ `most` of equally likely samples, if `queries` retrieve so many different ones.

    The likelihood s! / ((s − k)! sⁿ) rises from s − 1 to s while ln s − ln(s − k) + n ln(1 − 1 / s) > 0.
    """
    low, high = retrieved, most
    while low < high:
        middle = (low + high + 1) // 2
        if math.log(middle / (middle - retrieved)) + queries * math.log1p(-1 / middle) > 0:
            low = middle
        else:
            high = middle - 1
    return low


def _draw(features: Features, count: int) -> Tensor:
    everything = torch.arange(len(features), device=features.labels.device)
    return features.embedding[draw(features, everything, count, 0)]


def _retrieved(queries: Tensor, gallery: Tensor) -> int:
    """Number of different samples of the gallery that are nearest to a query."""
    dtype = torch.float64 if gallery.shape[1] <= FEW_DIMENSIONS else torch.float32
    return len(by_row(len(queries), squares(queries, gallery, dtype=dtype), column_of_smallest).unique())
