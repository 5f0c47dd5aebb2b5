"""Share of good samples that would cover the real ones as well."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric, PairStatistic
from ganbench.evaluation.metrics.pairs import CLIPPED_RANK, PairStatistics


@register(METRICS, "clipped_coverage")
class ClippedCoverage(Metric):
    """Share of perfect samples that cover real ones as well (Clipped Coverage, Salvy et al. 2025, arXiv:2507.01761).

    With y the mean over N real samples of min(1, J / k), for J of M generated samples in their k-NN ball: m / M, with m
    the number of samples of the real distribution whose expected y is the same. The expectation is exact in any space:
    J is binomial of m trials with probability Beta(k, N − k). So it falls linearly with the share of bad samples, or of
    the real data that are missing; real data score about 1, which is also the largest value. M = N, as in `precision`.
    """

    direction: ClassVar[Direction] = "higher"
    label: ClassVar[str] = "clipped coverage"
    sees: ClassVar[frozenset[Fault]] = frozenset({"shrunken-modes", "duplicates"})
    pair_statistics: ClassVar[frozenset[PairStatistic]] = frozenset({"neighbours", "clipped"})

    k: int = CLIPPED_RANK
    samples: int = 10_000

    def __call__(self, *, fake: Features, real: Reference) -> float:
        pairs = PairStatistics.of(fake, real, self.samples)
        inside = pairs.clipped(self.k).fakes_inside
        return inverse(expectations(len(pairs.real), self.k), float(inside.clamp_max(self.k).double().mean()) / self.k)

    def ceiling(self, real: Reference) -> float:
        return 1.0


def expectations(count: int, k: int) -> Tensor:
    """Expected coverage of `count` real samples by m others of their distribution, m = 0 … count, float64.

    1 − Σ_{j < k} (1 − j / k) P(J = j), with P(J = j) = C(m, j) B(k + j, N − k + m − j) / B(k, N − k).
    """
    trials, hits = torch.arange(count + 1.0, dtype=torch.float64)[:, None], torch.arange(k + 0.0, dtype=torch.float64)
    misses = (trials - hits).clamp_min(0)
    ways = torch.lgamma(trials + 1) - torch.lgamma(hits + 1) - torch.lgamma(misses + 1)
    wide, narrow = torch.tensor(float(k)).double(), torch.tensor(float(count - k)).double()
    logs = ways + _log_beta(wide + hits, narrow + misses) - _log_beta(wide, narrow)
    return 1 - (logs.exp() * (hits <= trials) * (1 - hits / k)).sum(1)


def inverse(values: Tensor, value: float) -> float:
    """Position of a value among ascending ones, interpolated, as a share of the way from the first to the last."""
    above = int(torch.searchsorted(values, value))
    if above == 0:
        return 0.0
    if above == len(values):
        return 1.0
    low, high = float(values[above - 1]), float(values[above])
    return (above - 1 + (value - low) / (high - low)) / (len(values) - 1)


def _log_beta(a: Tensor, b: Tensor) -> Tensor:
    return torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)
