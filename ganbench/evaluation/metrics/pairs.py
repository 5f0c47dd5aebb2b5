"""Statistics of pairs of samples: nearest neighbours, the balls that reach to them, and a kernel's means.

Products of embeddings, from which distances are computed, are most of their cost. So the features carry the statistics,
and one pass over the pairs finds all that the metrics to be computed read, whichever of them is computed first.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import NamedTuple
from weakref import ref

import torch
from torch import Tensor

from ganbench.data.evaluators import Features
from ganbench.evaluation.metrics.base import Metric, PairStatistic
from ganbench.evaluation.metrics.distances import squares
from ganbench.evaluation.metrics.kernel import KernelSum
from ganbench.evaluation.metrics.memo import memoize_on
from ganbench.evaluation.metrics.pairs_within import PairsWithin

BALL_RANKS = (3, 5)
"""Ranks of the neighbours that the balls of published metrics reach to; both are processed at once."""
CLIPPED_RANK = 5
"""Rank of the neighbours that clipped balls of the published metric reach to."""


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

    def clipped(self, k: int) -> ClippedBalls:
        """Relations of the samples to clipped balls that reach at most to the neighbour of rank k.

        Raises:
            UndefinedMetricError: there aren't k others.
        """
        return self._equal.clipped(k)

    def kernel_means(self) -> tuple[float, float, float]:
        """Mean kernel of two different generated samples, of two different real ones, and of one of each.

        Raises:
            UndefinedMetricError: a set has no two samples.
        """
        return self._whole.fake.kernel_mean(), self._whole.real.kernel_mean(), self._whole.kernel_mean()


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


class ClippedBalls(NamedTuple):
    """Relations of generated samples to the balls of real ones that reach to the k-th nearest other real one.

    Attributes:
        around_fake: number of balls, their radii clipped, that contain each generated sample, int64 [N].
        fakes_inside: number of generated samples in each ball before clipping, int64 [M].
    """

    around_fake: Tensor
    fakes_inside: Tensor


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
        self._clipped: dict[int, ClippedBalls] = {}
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
            self._find(published if k in published else (k,), self._wanted_clipped(), kernel=self._wants_kernel())
        return self._balls[k]

    def clipped(self, k: int) -> ClippedBalls:
        """Relations to clipped balls that reach at most to the neighbour of rank k.

        Raises:
            UndefinedMetricError: there aren't k other real ones.
        """
        if k not in self._clipped:
            self._find(self._wanted_ranks(), (k,), kernel=self._wants_kernel())
        return self._clipped[k]

    def kernel_mean(self) -> float:
        """Mean kernel of a generated and a real sample."""
        if self._kernel is None:
            self._find(self._wanted_ranks(), self._wanted_clipped(), kernel=True)
        assert self._kernel is not None
        return self._kernel

    def _published_ranks(self) -> tuple[int, ...]:
        return tuple(k for k in BALL_RANKS if k < min(len(self.fake), len(self.real)))

    def _wanted_ranks(self) -> tuple[int, ...]:
        return self._published_ranks() if "balls" in self.wanted and not self._balls else ()

    def _wanted_clipped(self) -> tuple[int, ...]:
        wanted = "clipped" in self.wanted and not self._clipped and len(self.real) > CLIPPED_RANK
        return (CLIPPED_RANK,) if wanted else ()

    def _wants_kernel(self) -> bool:
        return "kernel" in self.wanted and self._kernel is None

    def _find(self, ranks: tuple[int, ...], clipped_ranks: tuple[int, ...], *, kernel: bool) -> None:
        """Go through all pairs once for balls of some ranks, clipped ones of others, and the mean kernel."""
        real_radii = {k: self.real.radii(k) for k in {*ranks, *clipped_ranks}}
        fake_radii = {k: self.fake.radii(k)[:, None] for k in ranks}
        clipped_radii = {k: self.real.clipped_radii(k) for k in clipped_ranks}
        a, b = self.fake.embedding, self.real.embedding
        nearest = torch.full((len(b),), torch.inf, dtype=torch.float64, device=a.device)
        around, around_clipped = ({k: _zeros(a, torch.int64) for k in some} for some in (ranks, clipped_ranks))
        inside = {k: _zeros(b, torch.uint8) for k in ranks}
        fakes_inside = {k: _zeros(b, torch.int64) for k in clipped_ranks}
        total = KernelSum(a, b) if kernel else None
        start = 0
        for block in squares(a, b):
            rows = slice(start, start + len(block))
            if total is not None:
                total.add(block)
            if ranks:
                torch.minimum(nearest, block.amin(0), out=nearest)
            for k, radii in real_radii.items():
                in_real = block < radii
                if k in ranks:
                    around[k][rows] = in_real.sum(1, dtype=torch.int32)
                if k in clipped_ranks:
                    fakes_inside[k] += in_real.sum(0, dtype=torch.int32)
            for k in ranks:
                inside[k] |= (block < fake_radii[k][rows]).view(torch.uint8).amax(0)  # forty times faster than `any`
            for k in clipped_ranks:
                around_clipped[k][rows] = (block < clipped_radii[k]).sum(1, dtype=torch.int32)
            start = rows.stop
        nearest.clamp_min_(0)
        self._balls |= {k: Balls(around[k], inside[k].bool(), nearest) for k in ranks}
        self._clipped |= {k: ClippedBalls(around_clipped[k], fakes_inside[k]) for k in clipped_ranks}
        if total is not None:
            self._kernel = total.sum / (len(a) * len(b))


def _zeros(samples: Tensor, dtype: torch.dtype) -> Tensor:
    return torch.zeros(len(samples), dtype=dtype, device=samples.device)


def _wanted(fake: Features) -> set[PairStatistic]:
    """The statistics of pairs with these samples that metrics read."""
    return memoize_on(fake, ("wanted",), set)


def _within(features: Features, count: int) -> PairsWithin:
    return memoize_on(features, ("within", count), lambda: PairsWithin(features.embedding[:count]))


def _across(fake: Features, real: Features, fakes: int, reals: int) -> PairsAcross:
    # What is memoized on features must not refer to them: they would never be freed.
    pairs = _within(fake, fakes), _within(real, reals)
    return memoize_on(fake, ("across", ref(real), fakes, reals), lambda: PairsAcross(*pairs))
