"""Statistics of pairs of samples: nearest neighbours, the balls that reach to them, and a kernel's means.

Products of embeddings, from which distances are computed, are most of their cost. So the features carry the statistics,
and one pass over the pairs finds all that the metrics to be computed read, whichever of them is computed first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from typing import NamedTuple
from weakref import ref

import torch
from torch import Tensor

from ganbench.data.evaluators import Features
from ganbench.evaluation.metrics.base import Metric, PairStatistic, UndefinedMetricError
from ganbench.evaluation.metrics.distances import by_row, rows_of_a_block, smallest, squares
from ganbench.evaluation.metrics.kernel import KernelSum
from ganbench.evaluation.metrics.memo import memoize_on

RANKS = 8
"""Number of nearest neighbours found for each sample, since metrics use different ranks of the same samples."""
BALL_RANKS = (3, 5)
"""Ranks of the neighbours that the balls of published metrics reach to; both are processed at once."""
ROUNDING = 1e-13
"""Bound on the rounding error of a squared distance, relative to the squared norms."""


def share_pairs(fake: Features, metrics: Iterable[Metric]) -> None:
    """Let each pass over pairs with these samples find what any of these metrics reads.

    Without it the values are the same, and a pass finds only what the metric at hand reads.
    """
    _wanted(fake).update(*(metric.pair_statistics for metric in metrics))


class PairStatistics:
    """Statistics of the pairs within and across two sets of samples, each found when it is first read.

    Neighbours and balls depend on the number of samples, so they are those of equally many of either set; the kernel's
    means are those of all.

    Attributes:
        fake: pairs within the generated samples, as many as there are of both sets.
        real: pairs within as many real ones.
    """

    def __init__(self, equal: PairsAcross, whole: PairsAcross, wanted: Set[PairStatistic]) -> None:
        self.fake, self.real = equal.fake, equal.real
        self._equal, self._whole = equal, whole
        equal.want(wanted - {"kernel"})
        whole.want(wanted & {"kernel"})

    @classmethod
    def of(cls, fake: Features, real: Features, most: int) -> PairStatistics:
        """The statistics of the first samples of either set, at most `most`."""
        sizes = min(len(fake), most), min(len(real), most)
        equal = min(sizes)
        return cls(_across(fake, real, equal, equal), _across(fake, real, *sizes), _wanted(fake))

    def balls(self, k: int) -> Balls:
        """Relations of the samples to balls that reach to the neighbour of rank k.

        Raises:
            UndefinedMetricError: there aren't k others.
        """
        return self._equal.balls(k)

    def kernel_means(self) -> tuple[float, float, float]:
        """Mean kernel of two different generated samples, of two different real ones, and of one of each.

        Raises:
            UndefinedMetricError: a set has no two samples.
        """
        return self._whole.fake.kernel_mean(), self._whole.real.kernel_mean(), self._whole.kernel_mean()


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

    def __len__(self) -> int:
        return len(self.embedding)

    def radii(self, k: int) -> Tensor:
        """Squared distance of each sample from the k-th nearest other one, float64 [N]; exactly 0 for copies.

        Raises:
            UndefinedMetricError: there aren't k others.
        """
        return self._neighbours(k)[:, k - 1]

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


class Balls(NamedTuple):
    """Relations of two sets of samples to balls around them.

    A ball around a sample reaches to the k-th nearest other one of its own set; its edge is not inside.

    Attributes:
        around_fake: number of balls of real samples that contain each generated one, int64 [N].
        real_inside: whether each real sample lies in a ball of a generated one, bool [M].
        nearest: squared distance of each real sample from the nearest generated one, float64 [M].
    """

    around_fake: Tensor
    real_inside: Tensor
    nearest: Tensor


class PairsAcross:
    """All pairs of a generated and a real sample.

    Attributes:
        fake: the pairs within the generated samples, N of them.
        real: the pairs within the real ones, M of them.
        wanted: the statistics that the next pass finds besides the one that is read.
    """

    def __init__(self, fake: PairsWithin, real: PairsWithin) -> None:
        self.fake, self.real = fake, real
        self.wanted: set[PairStatistic] = set()
        self._balls: dict[int, Balls] = {}
        self._kernel: float | None = None

    def want(self, statistics: Set[PairStatistic]) -> None:
        """Let the next pass across the sets, and that within either, find these statistics."""
        for pairs in (self, self.fake, self.real):
            pairs.wanted |= statistics

    def balls(self, k: int) -> Balls:
        """Relations to balls that reach to the neighbour of rank k.

        Raises:
            UndefinedMetricError: there aren't k others in one of the sets.
        """
        if k not in self._balls:
            published = self._published_ranks()
            self._find(published if k in published else (k,), kernel="kernel" in self.wanted and self._kernel is None)
        return self._balls[k]

    def kernel_mean(self) -> float:
        """Mean kernel of a generated and a real sample."""
        if self._kernel is None:
            self._find(self._published_ranks() if "balls" in self.wanted and not self._balls else (), kernel=True)
        assert self._kernel is not None
        return self._kernel

    def _published_ranks(self) -> tuple[int, ...]:
        return tuple(k for k in BALL_RANKS if k < min(len(self.fake), len(self.real)))

    def _find(self, ranks: tuple[int, ...], *, kernel: bool) -> None:
        """Go through all pairs once for balls of some ranks and for the mean kernel."""
        edges = {k: (self.fake.radii(k)[:, None], self.real.radii(k)) for k in ranks}
        a, b = self.fake.embedding, self.real.embedding
        nearest = torch.full((len(b),), torch.inf, dtype=torch.float64, device=a.device)
        around = {k: torch.zeros(len(a), dtype=torch.int64, device=a.device) for k in ranks}
        inside = {k: torch.zeros(len(b), dtype=torch.uint8, device=a.device) for k in ranks}
        total = KernelSum(a, b) if kernel else None
        start = 0
        for block in squares(a, b):
            rows = slice(start, start + len(block))
            if total is not None:
                total.add(block)
            if ranks:
                torch.minimum(nearest, block.amin(0), out=nearest)
            for k, (fake_radii, real_radii) in edges.items():
                around[k][rows] = (block < real_radii).sum(1, dtype=torch.int32)
                inside[k] |= (block < fake_radii[rows]).view(torch.uint8).amax(0)  # forty times faster than `any`
            start = rows.stop
        nearest.clamp_min_(0)
        self._balls |= {k: Balls(around[k], inside[k].bool(), nearest) for k in ranks}
        if total is not None:
            self._kernel = total.sum / (len(a) * len(b))


def _without_itself(block: Tensor, rows: Tensor) -> Tensor:
    """The block, with the distances of its samples from themselves infinite."""
    return block.scatter_(1, rows[:, None], torch.inf)


def _wanted(fake: Features) -> set[PairStatistic]:
    """The statistics of pairs with these samples that metrics read."""
    return memoize_on(fake, ("wanted",), set)


def _within(features: Features, count: int) -> PairsWithin:
    return memoize_on(features, ("within", count), lambda: PairsWithin(features.embedding[:count]))


def _across(fake: Features, real: Features, fakes: int, reals: int) -> PairsAcross:
    # What is memoized on features must not refer to them: they would never be freed.
    pairs = _within(fake, fakes), _within(real, reals)
    return memoize_on(fake, ("across", ref(real), fakes, reals), lambda: PairsAcross(*pairs))
