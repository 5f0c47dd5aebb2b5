"""Statistics of the pairs within one set of samples: nearest neighbours, and the mean of a kernel."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ganbench.evaluation.metrics.base import PairStatistic, UndefinedMetricError
from ganbench.evaluation.metrics.distances import by_row, rows_of_a_block, smallest, squares
from ganbench.evaluation.metrics.kernel import KernelSum

RANKS = 8
"""Number of nearest neighbours found for each sample, since metrics use different ranks of the same samples."""
ROUNDING = 1e-13
"""Bound on the rounding error of a squared distance, relative to the squared norms."""


class PairsWithin:
    """All pairs within one set.

    Attributes:
        embedding: [N, d].
        wanted: the statistics that the next pass finds besides the one that is read.
    """

    def __init__(self, embedding: Tensor) -> None:
        self.embedding = embedding.detach()
        self.wanted: set[PairStatistic] = set()
        self._nearest: Tensor | None = None
        self._kernel: float | None = None
        self._appearances: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return len(self.embedding)

    def radii(self, k: int) -> Tensor:
        """Squared distance of each sample from the k-th nearest other one, float64 [N]; exactly 0 for copies.

        Raises:
            UndefinedMetricError: there aren't k others.
        """
        return self._neighbours(k)[:, k - 1]

    def clipped_radii(self, k: int) -> Tensor:
        """The squared radii of rank k, at most the square of the median radius, float64 [N].

        Raises:
            UndefinedMetricError: there aren't k others.
        """
        radii = self.radii(k)
        median = radii.sqrt().quantile(0.5)
        # The median's neighbour, on the edge of its ball, would fall out if its square were rounded down.
        return radii.where(radii.sqrt() <= median * (1 + 1e-9), median.square())

    def appearances(self, k: int) -> Tensor:
        """Number of clipped balls around other samples that contain each one, edges included, int64 [N].

        Raises:
            UndefinedMetricError: there aren't k others.
        """
        if k not in self._appearances:
            radii = self.clipped_radii(k)[:, None]
            counts = torch.zeros(len(self), dtype=torch.int64, device=radii.device)
            for block, rows in self._blocks(torch.arange(len(self), device=radii.device)):
                counts += (_without_itself(block, rows).clamp_min_(0) <= radii[rows]).sum(0, dtype=torch.int32)
            self._appearances[k] = counts
        return self._appearances[k]

    def near_pairs(self, near: Tensor) -> int:
        """Number of pairs whose squared distance is at most `near`.

        Raises:
            UndefinedMetricError: there is no pair.
        """
        inside = self._neighbours(1) <= near
        (crowded,) = inside[:, -1].nonzero(as_tuple=True)  # there may be more neighbours than were found
        counts = inside.sum(1)
        if len(crowded):
            blocks = (_without_itself(block, rows) for block, rows in self._blocks(crowded))
            counts[crowded] = by_row(len(crowded), blocks, lambda block: (block <= near).sum(1))
        return int(counts.sum()) // 2

    def kernel_mean(self) -> float:
        """Mean kernel of two different samples.

        Raises:
            UndefinedMetricError: there aren't two.
        """
        if len(self) < 2:
            raise UndefinedMetricError("pairs need at least two samples")
        if self._kernel is None:
            self._find(RANKS if "neighbours" in self.wanted and self._nearest is None else 0, kernel=True)
        assert self._kernel is not None
        return self._kernel

    def _neighbours(self, k: int) -> Tensor:
        """Squared distances of each sample from its k nearest others or more, ascending, float64 [N, ≥ k]."""
        if len(self) <= k:
            raise UndefinedMetricError(f"there are too few samples for a nearest neighbour of rank {k}: {len(self)}")
        if self._nearest is None or self._nearest.shape[1] < k:
            self._find(max(k, RANKS), kernel="kernel" in self.wanted and self._kernel is None)
        assert self._nearest is not None
        return self._nearest

    def _find(self, ranks: int, *, kernel: bool) -> None:
        """Go through all pairs once for the neighbours up to a rank, none if it is 0, and for the mean kernel."""
        count, ranks = len(self), min(ranks, len(self) - 1)
        # Written into one tensor: small results kept between large temporaries fragment the heap (see `by_row`).
        nearest = torch.empty(count, ranks, dtype=torch.float64, device=self.embedding.device)
        total = KernelSum(self.embedding, self.embedding) if kernel else None
        for block, rows in self._blocks(torch.arange(count, device=self.embedding.device)):
            if total is not None:
                total.add(block)
            if ranks:
                nearest[rows] = smallest(_without_itself(block, rows), ranks)
        if ranks:
            self._nearest = nearest.clamp_min_(0)
        if total is not None:
            with_itself = (self.embedding.double().square().sum(1) / self.embedding.shape[1] + 1).pow(3).sum()
            self._kernel = (total.sum - float(with_itself)) / (count * (count - 1))

    def _blocks(self, which: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield blocks of squared distances of some samples from all, with the samples' indices.

        They are reduced by the rounding error, so that copies have none, and points on the edge of a ball aren't
        inside. A sample's distance from itself may be slightly below 0.
        """
        blocks = squares(self.embedding[which], self.embedding, discount=ROUNDING)
        return zip(blocks, which.split(rows_of_a_block(len(self))), strict=True)


def _without_itself(block: Tensor, rows: Tensor) -> Tensor:
    """The block, with the distances of its samples from themselves infinite."""
    return block.scatter_(1, rows[:, None], torch.inf)
