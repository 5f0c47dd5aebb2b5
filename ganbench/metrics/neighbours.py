"""Nearest neighbours among many embeddings, found block by block: the matrix of all distances is never held.

Squared distances come from one product of matrices in float64. In float32 their error, 1e-7 of the squared norms, is
as large as those of near neighbours in the plane; exact differences are ten times as slow for features of classifiers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar, cast
from weakref import WeakKeyDictionary, ref

import torch
from torch import Tensor

from ganbench.evaluators import Features
from ganbench.metrics import UndefinedMetricError

BLOCK = 1 << 20
"""Distances that are held at a time: 8 MB, which a cache holds."""
MANY = 8_000
"""Where there are more to be near to, they are gone through so many at a time: few rows make slow products."""
RANKS = 8
"""So many nearest neighbours are kept of each sample: metrics ask for other ranks of the same samples."""
ROUNDING = 1e-13
"""What rounding can do to a squared distance, as a part of the squared norms."""
COARSE = 1e-4
"""Squared distances below this part of the squared norms are not trusted to float32."""

T = TypeVar("T")
_kept: WeakKeyDictionary[Features, dict[tuple[object, ...], object]] = WeakKeyDictionary()


def keep(features: Features, key: tuple[object, ...], find: Callable[[], T]) -> T:
    """What `find` finds; from the second time on what it found, as long as these features live."""
    known = _kept.setdefault(features, {})
    if key not in known:
        known[key] = find()
    return cast(T, known[key])  # what one key stands for always has the same type


def radii(features: Features, count: int, k: int) -> Tensor:
    """Squared distance of each of the first `count` embeddings from the k-th nearest other one, float64 [count].

    Of copies it is exactly 0.

    Raises:
        UndefinedMetricError: there aren't k others.
    """
    if count <= k:
        raise UndefinedMetricError(f"there are too few samples for a nearest neighbour of rank {k}: {count}")

    return _ranks(features, count, max(k, min(RANKS, count - 1)))[:, k - 1]


def _ranks(features: Features, count: int, most: int) -> Tensor:
    """Squared distances of each of the first `count` embeddings from its nearest others in order, [count, most]."""

    def find() -> Tensor:
        blocks = others(features.embedding[:count])
        return by_row(count, blocks, lambda block: block.topk(most, largest=False).values).clamp_min(0)

    return keep(features, ("ranks", count, most), find)


def near_pairs(features: Features, count: int, near: Tensor) -> int:
    """How many pairs of the first `count` embeddings are at most this squared distance apart."""
    embedding = features.embedding[:count]
    inside = _ranks(features, count, min(RANKS, count - 1)) <= near
    (crowded,) = inside[:, -1].nonzero(as_tuple=True)  # there may be more than were kept
    counts = inside.sum(1)
    if len(crowded):
        counts[crowded] = by_row(len(crowded), others(embedding, crowded), lambda block: (block <= near).sum(1))
    return int(counts.sum()) // 2


class Crossing(NamedTuple):
    """How two sets of equally many samples lie to each other.

    Attributes:
        around_fake: in how many balls of real samples each generated one lies, int64 [N]; a ball reaches to the k-th
            nearest other one of its own set, and what lies on its edge isn't inside.
        around_real: in how many balls of generated samples each real one lies, the same.
        nearest: squared distance of each real sample from the nearest generated one, float64 [N].
    """

    around_fake: Tensor
    around_real: Tensor
    nearest: Tensor


def crossing(fake: Features, real: Features, count: int, k: int) -> Crossing:
    """How the first `count` of either set lie to each other, with balls to the neighbour of rank k.

    Raises:
        UndefinedMetricError: there aren't k others.
    """
    fake_radii, real_radii = radii(fake, count, k)[:, None], radii(real, count, k)

    def find() -> Crossing:
        around_real = torch.zeros(count, dtype=torch.int64, device=real_radii.device)
        nearest = torch.full_like(real_radii, torch.inf)
        own = iter(fake_radii.split(rows_of_a_block(count)))

        def look(block: Tensor) -> Tensor:
            around_real.add_((block < next(own)).sum(0))
            torch.minimum(nearest, block.amin(0), out=nearest)
            return (block < real_radii).sum(1)

        around_fake = by_row(count, squares(fake.embedding[:count], real.embedding[:count]), look)
        return Crossing(around_fake, around_real, nearest.clamp_min(0))

    return keep(fake, ("crossing", ref(real), count, k), find)


def nearest(a: Tensor, b: Tensor) -> Tensor:
    """Squared distance of each row of a [N, d] from the nearest of b [M, d], float64 [N]."""
    return by_row(len(a), squares(a, b), lambda block: block.amin(1)).clamp_min(0)


def nearest_of_many(a: Tensor, b: Tensor) -> Tensor:
    """The same at half the cost where b is large and d too: sought in float32, measured in float64.

    A copy has exactly 0. Where float32 might have mistaken one neighbour for another, float64 seeks again.
    """
    found = torch.zeros(len(a), dtype=torch.int64, device=a.device)
    best = torch.full((len(a),), torch.inf, device=a.device)
    for start in range(0, len(b), MANY):
        blocks = squares(a, b[start : start + MANY], dtype=torch.float32)
        there = start + by_row(len(a), blocks, lambda block: block.min(1).indices)
        apart = (a - b[there]).square().sum(1)
        found, best = torch.where(apart < best, there, found), torch.minimum(apart, best)
    distances = (a.double() - b[found].double()).square().sum(1)
    centre = b.double().mean(0)
    norms = (a.double() - centre).square().sum(1)
    doubtful = (distances > 0) & (distances < COARSE * norms)
    if bool(doubtful.any()):
        distances[doubtful] = nearest(a[doubtful], b)
    return distances


def by_row(count: int, blocks: Iterator[Tensor], find: Callable[[Tensor], Tensor]) -> Tensor:
    """What is found in each of `count` rows of distances, [count, ...]."""
    # Written into one tensor: small ones, kept between large blocks that come and go, make the C library take new
    # memory for every block, more than 20 GB for 100,000 × 100,000.
    result: Tensor | None = None
    start = 0
    for block in blocks:
        part = find(block)
        result = part.new_empty(count, *part.shape[1:]) if result is None else result
        result[start : start + len(part)] = part
        start += len(part)
    if result is None:
        raise ValueError("there are no rows")
    return result


def others(a: Tensor, rows: Tensor | None = None) -> Iterator[Tensor]:
    """Blocks of the squared distances within a set, [N, N] in all or of some rows; that from itself is infinite.

    They are too small by what rounding can do: so copies have none, and what lies on the edge of a ball isn't inside.
    """
    rows = torch.arange(len(a), device=a.device) if rows is None else rows
    blocks = squares(a[rows], a, discount=ROUNDING)
    for block, own in zip(blocks, rows.split(rows_of_a_block(len(a))), strict=True):
        yield block.scatter_(1, own[:, None], torch.inf)


def rows_of_a_block(columns: int) -> int:
    """In how many rows at a time distances from so many are found."""
    return max(1, BLOCK // columns)


def squares(a: Tensor, b: Tensor, *, discount: float = 0.0, dtype: torch.dtype = torch.float64) -> Iterator[Tensor]:
    """Blocks of rows of the squared distances of a [N, d] from b [M, d]; [N, M] in all.

    Args:
        discount: part of the squared norms that is taken off.

    Raises:
        ValueError: a coordinate isn't finite.
    """
    if not (bool(a.isfinite().all()) and bool(b.isfinite().all())):
        raise ValueError("embeddings must be finite")
    centre = b.double().mean(0)  # the nearer the points are to the origin, the less is rounded
    left, right = (part.double() - centre for part in (a, b))
    left_norms, right_norms = (part.square().sum(1, keepdim=True) * (1 - discount) for part in (left, right))
    # |x|² + |y|² − 2 x·y as one product: (−2x, |x|², 1)·(y, 1, |y|²).
    left = torch.cat([-2 * left, left_norms, torch.ones_like(left_norms)], 1).to(dtype)
    right = torch.cat([right, torch.ones_like(right_norms), right_norms], 1).to(dtype).T
    for rows in left.split(rows_of_a_block(len(b))):
        yield rows @ right
