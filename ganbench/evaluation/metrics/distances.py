"""Squared distances of many embeddings, block by block: the matrix of all of them is never held.

They come from one product of matrices in float64. In float32 their error, 1e-7 of the squared norms, is as large as
those of near neighbours in the plane; exact differences are ten times as slow for features of classifiers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

BLOCK = 1 << 20
"""Distances that are held at a time: 8 MB, which a cache holds."""
MANY = 8_000
"""Where there are more to be near to, they are gone through so many at a time: few rows make slow products."""
PART = 64
"""The least of each so many columns is found first, and only parts that can hold what is sought are searched: `amin`
takes a tenth of the time of `topk` and `argmin`.
"""
COARSE = 1e-4
"""Squared distances below this part of the squared norms are not trusted to float32."""


def squares(a: Tensor, b: Tensor, *, discount: float = 0.0, dtype: torch.dtype = torch.float64) -> Iterator[Tensor]:
    """Blocks of rows of the squared distances of a [N, d] from b [M, d]; [N, M] in all.

    A block is overwritten by the next one.

    Args:
        discount: part of the squared norms that is taken off.

    Raises:
        ValueError: a coordinate isn't finite.
    """
    if not (bool(a.isfinite().all()) and bool(b.isfinite().all())):
        raise ValueError("embeddings must be finite")
    centre = b.detach().double().mean(0)  # the nearer the points are to the origin, the less is rounded
    left, right = (part.detach().double() - centre for part in (a, b))  # what is written into a block has no gradients
    left_norms, right_norms = (part.square().sum(1, keepdim=True) * (1 - discount) for part in (left, right))
    # |x|² + |y|² − 2 x·y as one product: (−2x, |x|², 1)·(y, 1, |y|²).
    left = torch.cat([-2 * left, left_norms, torch.ones_like(left_norms)], 1).to(dtype)
    right = torch.cat([right, torch.ones_like(right_norms), right_norms], 1).to(dtype).T
    parts = left.split(rows_of_a_block(len(b)))
    # One block of memory for all: new ones are taken from the system and given back each time.
    block = left.new_empty(len(parts[0]), len(b))
    for rows in parts:
        yield torch.mm(rows, right, out=block[: len(rows)])


def rows_of_a_block(columns: int) -> int:
    """In how many rows at a time distances from so many are found."""
    return max(1, BLOCK // columns)


def by_row(count: int, blocks: Iterator[Tensor], find: Callable[[Tensor], Tensor]) -> Tensor:
    """What is found in each of `count` rows of distances, [count, ...]."""
    # Written into one tensor: small ones, kept between large temporaries that come and go, make the C library take new
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


def smallest(block: Tensor, most: int) -> Tensor:
    """The smallest of each row in order, [rows, most]."""
    parts, rest = _parts(block)
    if parts.shape[1] <= most:
        return block.topk(most, largest=False).values
    least = parts.amin(2).topk(most, largest=False).indices[..., None]
    near = parts.gather(1, least.expand(-1, -1, PART)).flatten(1)
    return torch.cat([near, rest], 1).topk(most, largest=False).values


def place_of_smallest(block: Tensor) -> Tensor:
    """In which column the smallest of each row is, int64 [rows]."""
    parts, rest = _parts(block)
    if rest.shape[1] or not parts.shape[1]:
        return block.argmin(1)
    least = parts.amin(2).argmin(1)
    return least * PART + parts[torch.arange(len(block), device=block.device), least].argmin(1)


def _parts(block: Tensor) -> tuple[Tensor, Tensor]:
    """Rows in parts [rows, parts, PART], and what is left over [rows, fewer]."""
    whole = block.shape[1] // PART * PART
    return block[:, :whole].unflatten(1, (-1, PART)), block[:, whole:]


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
        there = start + by_row(len(a), blocks, place_of_smallest)
        apart = (a - b[there]).square().sum(1)
        found, best = torch.where(apart < best, there, found), torch.minimum(apart, best)
    distances = (a.double() - b[found].double()).square().sum(1)
    centre = b.double().mean(0)
    norms = (a.double() - centre).square().sum(1)
    doubtful = (distances > 0) & (distances < COARSE * norms)
    if bool(doubtful.any()):
        distances[doubtful] = nearest(a[doubtful], b)
    return distances
