"""Nearest neighbours and the balls that reach to them, for metrics of manifolds and of duplicates.

All metrics share one pass over all pairs of equally many samples, and so does `kid` if it is computed first: the
products of embeddings, from which distances are computed, are most of the cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple
from weakref import ref

import torch
from torch import Tensor

from ganbench.data.evaluators import Features
from ganbench.evaluation.metrics.base import UndefinedMetricError
from ganbench.evaluation.metrics.distances import by_row, rows_of_a_block, smallest, squares
from ganbench.evaluation.metrics.memo import memoize_on

RANKS = 8
"""Number of nearest neighbours kept for each sample, since metrics use different ranks of the same samples."""
BALLS = (3, 5)
"""Ranks of the neighbours that the balls of published metrics reach to; both are processed at once."""
ROUNDING = 1e-13
"""Bound on the rounding error of a squared distance, relative to the squared norms."""

BlockVisitor = Callable[[Tensor], object]
"""A function that is shown the same blocks of squared distances; each block is overwritten by the next one.

Within a set the distances are too small by `ROUNDING`; a sample's distance to itself may be slightly below 0.
"""


def radii(features: Features, count: int, k: int) -> Tensor:
    """Squared distance of each of the first `count` embeddings from the k-th nearest other one, float64 [count].

    For copies it is exactly 0.

    Raises:
        UndefinedMetricError: there aren't k others.
    """
    if count <= k:
        raise UndefinedMetricError(f"there are too few samples for a nearest neighbour of rank {k}: {count}")

    most = max(k, _usual_ranks(count))
    return memoize_on(features, ("ranks", count, most), lambda: _ranks(features, count, most))[:, k - 1]


def near_pairs(features: Features, count: int, near: Tensor) -> int:
    """Number of pairs among the first `count` embeddings whose squared distance is at most `near`."""
    embedding, most = features.embedding[:count], _usual_ranks(count)
    inside = memoize_on(features, ("ranks", count, most), lambda: _ranks(features, count, most)) <= near
    (crowded,) = inside[:, -1].nonzero(as_tuple=True)  # there may be more neighbours than were kept
    counts = inside.sum(1)
    if len(crowded):
        counts[crowded] = by_row(len(crowded), _others(embedding, crowded), lambda block: (block <= near).sum(1))
    return int(counts.sum()) // 2


def look_within(features: Features, count: int, also: BlockVisitor) -> None:
    """Show all pairs of the first `count` embeddings, self-pairs included; keep the neighbours for later queries."""
    most = _usual_ranks(count)
    found = _ranks(features, count, most, also)
    memoize_on(features, ("ranks", count, most), lambda: found)


def _usual_ranks(count: int) -> int:
    return min(RANKS, count - 1)


def _ranks(features: Features, count: int, most: int, also: BlockVisitor | None = None) -> Tensor:
    """Squared distances of each of the first `count` embeddings from its nearest others, ascending, [count, most]."""
    blocks = _others(features.embedding[:count], also=also)
    return by_row(count, blocks, lambda block: smallest(block, most)).clamp_min(0)


def _others(a: Tensor, rows: Tensor | None = None, also: BlockVisitor | None = None) -> Iterator[Tensor]:
    """Yield blocks of squared distances within a set, [N, N] or some of its rows; those to itself are infinite.

    They are reduced by the rounding error, so that copies have none, and points on the edge of a ball aren't inside.
    """
    rows = torch.arange(len(a), device=a.device) if rows is None else rows
    blocks = squares(a[rows], a, discount=ROUNDING)
    for block, own in zip(blocks, rows.split(rows_of_a_block(len(a))), strict=True):
        if also is not None:
            also(block)
        yield block.scatter_(1, own[:, None], torch.inf)


class Crossing(NamedTuple):
    """Relations between two sets of equally many samples.

    A ball around a sample reaches to the k-th nearest other one of its own set; its edge is not inside.

    Attributes:
        around_fake: number of balls of real samples that contain each generated one, int64 [N].
        real_inside: whether each real sample lies in a ball of a generated one, bool [N].
        nearest: squared distance of each real sample from the nearest generated one, float64 [N].
    """

    around_fake: Tensor
    real_inside: Tensor
    nearest: Tensor


def crossing(fake: Features, real: Features, count: int, k: int) -> Crossing:
    """Relations between the first `count` samples of both sets, with balls that reach to the neighbour of rank k.

    Raises:
        UndefinedMetricError: there aren't k others.
    """
    usual = _usual_balls(count)
    ranks = usual if k in usual else (k,)
    return memoize_on(fake, ("crossing", ref(real), count, ranks), lambda: _cross(fake, real, count, ranks))[k]


def look_across(fake: Features, real: Features, count: int, also: BlockVisitor) -> None:
    """Show all pairs of the first `count` samples of both sets, and keep the relations for later queries."""
    ranks = _usual_balls(count)
    found = _cross(fake, real, count, ranks, also)
    memoize_on(fake, ("crossing", ref(real), count, ranks), lambda: found)


def _usual_balls(count: int) -> tuple[int, ...]:
    return tuple(k for k in BALLS if k < count)


def _cross(
    fake: Features, real: Features, count: int, ranks: tuple[int, ...], also: BlockVisitor | None = None
) -> dict[int, Crossing]:
    """Relations between the two sets, by rank."""
    edges = {k: (radii(fake, count, k)[:, None], radii(real, count, k)) for k in ranks}  # of the balls
    a, b = fake.embedding[:count], real.embedding[:count]
    nearest = torch.full((count,), torch.inf, dtype=torch.float64, device=a.device)
    around = {k: torch.zeros(count, dtype=torch.int64, device=a.device) for k in ranks}
    inside = {k: torch.zeros(count, dtype=torch.uint8, device=a.device) for k in ranks}
    start = 0
    for block in squares(a, b):
        if also is not None:
            also(block)
        rows = slice(start, start + len(block))
        torch.minimum(nearest, block.amin(0), out=nearest)
        for k, (fake_radii, real_radii) in edges.items():
            around[k][rows] = (block < real_radii).sum(1, dtype=torch.int32)
            inside[k] |= (block < fake_radii[rows]).view(torch.uint8).amax(0)  # forty times faster than `any`
        start = rows.stop
    nearest.clamp_min_(0)
    return {k: Crossing(around[k], inside[k].bool(), nearest) for k in ranks}
