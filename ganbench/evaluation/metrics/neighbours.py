"""Nearest neighbours and the balls that reach to them: what metrics of manifolds and of duplicates ask.

All pairs of equally many samples are gone through once for all of them, and for `kid` where it is asked first: the
products of embeddings, from which distances come, are most of the cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple
from weakref import ref

import torch
from torch import Tensor

from ganbench.data.evaluators import Features
from ganbench.evaluation.metrics import UndefinedMetricError
from ganbench.evaluation.metrics.distances import by_row, rows_of_a_block, smallest, squares
from ganbench.evaluation.metrics.memo import memoize_on

RANKS = 8
"""So many nearest neighbours are kept of each sample: metrics ask for other ranks of the same samples."""
BALLS = (3, 5)
"""Ranks of neighbours that the balls of published metrics reach to; what lies in which is found for both at once."""
ROUNDING = 1e-13
"""What rounding can do to a squared distance, as a part of the squared norms."""

BlockVisitor = Callable[[Tensor], object]
"""Whoever wants to see the same blocks of squared distances; a block is overwritten by the next one.

Within a set they are too small by `ROUNDING`; that of a sample from itself is shown as it comes out, hardly below 0.
"""


def radii(features: Features, count: int, k: int) -> Tensor:
    """Squared distance of each of the first `count` embeddings from the k-th nearest other one, float64 [count].

    Of copies it is exactly 0.

    Raises:
        UndefinedMetricError: there aren't k others.
    """
    if count <= k:
        raise UndefinedMetricError(f"there are too few samples for a nearest neighbour of rank {k}: {count}")

    most = max(k, _usual_ranks(count))
    return memoize_on(features, ("ranks", count, most), lambda: _ranks(features, count, most))[:, k - 1]


def near_pairs(features: Features, count: int, near: Tensor) -> int:
    """How many pairs of the first `count` embeddings are at most this squared distance apart."""
    embedding, most = features.embedding[:count], _usual_ranks(count)
    inside = memoize_on(features, ("ranks", count, most), lambda: _ranks(features, count, most)) <= near
    (crowded,) = inside[:, -1].nonzero(as_tuple=True)  # there may be more than were kept
    counts = inside.sum(1)
    if len(crowded):
        counts[crowded] = by_row(len(crowded), _others(embedding, crowded), lambda block: (block <= near).sum(1))
    return int(counts.sum()) // 2


def look_within(features: Features, count: int, also: BlockVisitor) -> None:
    """Show all pairs of the first `count` embeddings, itself included; what is asked later of neighbours is known."""
    most = _usual_ranks(count)
    found = _ranks(features, count, most, also)
    memoize_on(features, ("ranks", count, most), lambda: found)


def _usual_ranks(count: int) -> int:
    return min(RANKS, count - 1)


def _ranks(features: Features, count: int, most: int, also: BlockVisitor | None = None) -> Tensor:
    """Squared distances of each of the first `count` embeddings from its nearest others in order, [count, most]."""
    blocks = _others(features.embedding[:count], also=also)
    return by_row(count, blocks, lambda block: smallest(block, most)).clamp_min(0)


def _others(a: Tensor, rows: Tensor | None = None, also: BlockVisitor | None = None) -> Iterator[Tensor]:
    """Blocks of the squared distances within a set, [N, N] in all or of some rows; that from itself is infinite.

    They are too small by what rounding can do: so copies have none, and what lies on the edge of a ball isn't inside.
    """
    rows = torch.arange(len(a), device=a.device) if rows is None else rows
    blocks = squares(a[rows], a, discount=ROUNDING)
    for block, own in zip(blocks, rows.split(rows_of_a_block(len(a))), strict=True):
        if also is not None:
            also(block)
        yield block.scatter_(1, own[:, None], torch.inf)


class Crossing(NamedTuple):
    """How two sets of equally many samples lie to each other.

    Attributes:
        around_fake: in how many balls of real samples each generated one lies, int64 [N]; a ball reaches to the k-th
            nearest other one of its own set, and what lies on its edge isn't inside.
        real_inside: whether each real sample lies in a ball of a generated one, the same, bool [N].
        nearest: squared distance of each real sample from the nearest generated one, float64 [N].
    """

    around_fake: Tensor
    real_inside: Tensor
    nearest: Tensor


def crossing(fake: Features, real: Features, count: int, k: int) -> Crossing:
    """How the first `count` of either set lie to each other, with balls to the neighbour of rank k.

    Raises:
        UndefinedMetricError: there aren't k others.
    """
    usual = _usual_balls(count)
    ranks = usual if k in usual else (k,)
    return memoize_on(fake, ("crossing", ref(real), count, ranks), lambda: _cross(fake, real, count, ranks))[k]


def look_across(fake: Features, real: Features, count: int, also: BlockVisitor) -> None:
    """Show all pairs of the first `count` of either set; what is asked later of balls is known."""
    ranks = _usual_balls(count)
    found = _cross(fake, real, count, ranks, also)
    memoize_on(fake, ("crossing", ref(real), count, ranks), lambda: found)


def _usual_balls(count: int) -> tuple[int, ...]:
    return tuple(k for k in BALLS if k < count)


def _cross(
    fake: Features, real: Features, count: int, ranks: tuple[int, ...], also: BlockVisitor | None = None
) -> dict[int, Crossing]:
    """By rank, how the two sets lie to each other."""
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
            inside[k] |= (block < fake_radii[rows]).view(torch.uint8).amax(0)  # forty times as fast as `any`
        start = rows.stop
    nearest.clamp_min_(0)
    return {k: Crossing(around[k], inside[k].bool(), nearest) for k in ranks}
