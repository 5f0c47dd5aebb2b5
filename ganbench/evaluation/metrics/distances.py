"""Squared distances between many embeddings, block by block: the full matrix is never held in memory.

They are computed by one matrix product in float64. In float32 their error, 1e-7 of the squared norms, is as large as
the distances of near neighbours in the plane; exact differences are ten times slower for classifier features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

DISTANCES_PER_BLOCK = 1 << 20
"""Number of distances held at a time: 8 MB, which fits in a cache."""
REFERENCE_CHUNK = 8_000
"""Larger reference sets are processed in chunks of this size; matrix products with few rows are slow."""
COLUMN_CHUNK = 64
"""The minimum of each chunk of this many columns is taken first, then only chunks that can contain the answer are
searched: `amin` takes a tenth of the time of `topk` and `argmin`.
"""
COARSE = 1e-4
"""Squared distances below this fraction of the squared norms are recomputed in float64."""


def squares(a: Tensor, b: Tensor, *, discount: float = 0.0, dtype: torch.dtype = torch.float64) -> Iterator[Tensor]:
    """Yield blocks of rows of the squared distances of a [N, d] from b [M, d]; [N, M] in total.

    Each block is overwritten by the next one.

    Args:
        discount: fraction of the squared norms to subtract.

    Raises:
        ValueError: a coordinate isn't finite.
    """
    if not (bool(a.isfinite().all()) and bool(b.isfinite().all())):
        raise ValueError("embeddings must be finite")
    centre = b.detach().double().mean(0)  # the nearer the points are to the origin, the smaller the rounding
    left, right = (part.detach().double() - centre for part in (a, b))  # blocks written in place have no gradients
    left_norms, right_norms = (part.square().sum(1, keepdim=True) * (1 - discount) for part in (left, right))
    # |x|² + |y|² − 2 x·y as one product: (−2x, |x|², 1)·(y, 1, |y|²).
    left = torch.cat([-2 * left, left_norms, torch.ones_like(left_norms)], 1).to(dtype)
    right = torch.cat([right, torch.ones_like(right_norms), right_norms], 1).to(dtype).T
    parts = left.split(rows_of_a_block(len(b)))
    # One block of memory for all: new ones would be requested from the system and returned each time.
    block = left.new_empty(len(parts[0]), len(b))
    for rows in parts:
        yield torch.mm(rows, right, out=block[: len(rows)])


def rows_of_a_block(columns: int) -> int:
    """Number of rows in a block of distances with this many columns."""
    return max(1, DISTANCES_PER_BLOCK // columns)


def by_row(count: int, blocks: Iterator[Tensor], find: Callable[[Tensor], Tensor]) -> Tensor:
    """Apply `find` to blocks of rows of distances; the results for all `count` rows, [count, ...]."""
    # Written into one tensor: small results kept between large temporaries would make the C library allocate new memory
    # for every block, more than 20 GB for 100,000 × 100,000.
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
    """The `most` smallest values of each row in ascending order, [rows, most]."""
    parts, rest = _parts(block)
    if parts.shape[1] <= most:
        return block.topk(most, largest=False).values
    least = parts.amin(2).topk(most, largest=False).indices[..., None]
    near = parts.gather(1, least.expand(-1, -1, COLUMN_CHUNK)).flatten(1)
    return torch.cat([near, rest], 1).topk(most, largest=False).values


def column_of_smallest(block: Tensor) -> Tensor:
    """Column of the smallest value of each row, int64 [rows]."""
    parts, rest = _parts(block)
    if rest.shape[1] or not parts.shape[1]:
        return block.argmin(1)
    least = parts.amin(2).argmin(1)
    return least * COLUMN_CHUNK + parts[torch.arange(len(block), device=block.device), least].argmin(1)


def _parts(block: Tensor) -> tuple[Tensor, Tensor]:
    """Split rows into chunks [rows, parts, COLUMN_CHUNK] and the remainder [rows, fewer]."""
    whole = block.shape[1] // COLUMN_CHUNK * COLUMN_CHUNK
    return block[:, :whole].unflatten(1, (-1, COLUMN_CHUNK)), block[:, whole:]


def nearest(a: Tensor, b: Tensor) -> Tensor:
    """Squared distance of each row of a [N, d] from the nearest of b [M, d], float64 [N]."""
    return by_row(len(a), squares(a, b), lambda block: block.amin(1)).clamp_min(0)


def nearest_of_many(a: Tensor, b: Tensor) -> Tensor:
    """The same as `nearest` at half the cost for large b and d: searched in float32, measured in float64.

    A copy has distance exactly 0. If float32 may have confused neighbours, the search is repeated in float64.
    """
    nearest_index = torch.zeros(len(a), dtype=torch.int64, device=a.device)
    best = torch.full((len(a),), torch.inf, device=a.device)
    for start in range(0, len(b), REFERENCE_CHUNK):
        blocks = squares(a, b[start : start + REFERENCE_CHUNK], dtype=torch.float32)
        candidates = start + by_row(len(a), blocks, column_of_smallest)
        separation = (a - b[candidates]).square().sum(1)
        nearest_index, best = torch.where(separation < best, candidates, nearest_index), torch.minimum(separation, best)
    distances = (a.double() - b[nearest_index].double()).square().sum(1)
    centre = b.double().mean(0)
    norms = (a.double() - centre).square().sum(1)
    doubtful = (distances > 0) & (distances < COARSE * norms)
    if bool(doubtful.any()):
        distances[doubtful] = nearest(a[doubtful], b)
    return distances
