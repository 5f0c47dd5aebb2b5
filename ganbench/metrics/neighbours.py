"""Nearest neighbours among many embeddings, found block by block: the matrix of all distances is never held.

Squared distances come from one product of matrices in float64. In float32 their error, 1e-7 of the squared norms, is
as large as those of near neighbours in the plane; exact differences are ten times as slow for features of classifiers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar, cast
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from ganbench.evaluators import Features
from ganbench.metrics import UndefinedMetricError

BLOCK = 1 << 22
"""Distances that are held at a time: 32 MB."""
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

    def find() -> Tensor:
        blocks = others(features.embedding[:count])
        return by_row(count, blocks, lambda block: block.topk(k, largest=False).values[:, -1]).clamp_min(0)

    return keep(features, ("radii", count, k), find)


def inside(points: Tensor, centres: Tensor, radii: Tensor) -> Tensor:
    """In how many balls of these squared radii each point lies, int64 [N]; not where it lies on the edge."""
    return by_row(len(points), squares(points, centres), lambda block: (block < radii).sum(1))


def nearest(a: Tensor, b: Tensor) -> Tensor:
    """Squared distance of each row of a [N, d] from the nearest of b [M, d], float64 [N]."""
    return by_row(len(a), squares(a, b), lambda block: block.amin(1)).clamp_min(0)


def nearest_of_many(a: Tensor, b: Tensor) -> Tensor:
    """The same at half the cost where b is large and d too: sought in float32, measured in float64.

    A copy has exactly 0. Where float32 might have mistaken one neighbour for another, float64 seeks again.
    """
    found = by_row(len(a), squares(a, b, dtype=torch.float32), lambda block: block.min(1).indices)
    distances = (a.double() - b[found].double()).square().sum(1)
    centre = b.double().mean(0)
    norms = (a.double() - centre).square().sum(1)
    doubtful = (distances > 0) & (distances < COARSE * norms)
    if bool(doubtful.any()):
        distances[doubtful] = nearest(a[doubtful], b)
    return distances


def by_row(count: int, blocks: Iterator[Tensor], find: Callable[[Tensor], Tensor]) -> Tensor:
    """What is found in each of `count` rows of distances, [count]."""
    # Written into one tensor: small ones, kept between large blocks that come and go, make the C library take new
    # memory for every block, more than 20 GB for 100,000 × 100,000.
    result: Tensor | None = None
    start = 0
    for block in blocks:
        part = find(block)
        result = part.new_empty(count) if result is None else result
        result[start : start + len(part)] = part
        start += len(part)
    if result is None:
        raise ValueError("there are no rows")
    return result


def others(a: Tensor) -> Iterator[Tensor]:
    """Blocks of the squared distances within a set, [N, N] in all; that from itself is infinite.

    They are too small by what rounding can do: so copies have none, and what lies on the edge of a ball isn't inside.
    """
    start = 0
    for block in squares(a, a, discount=ROUNDING):
        block.diagonal(start).fill_(torch.inf)
        start += len(block)
        yield block


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
    for rows in left.split(max(1, BLOCK // len(b))):
        yield rows @ right
