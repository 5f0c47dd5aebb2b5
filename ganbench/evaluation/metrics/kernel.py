"""The polynomial kernel of `kid`, from distances that other metrics need as well."""

from __future__ import annotations

import torch
from torch import Tensor


class KernelSum:
    """Sum of (x·y / d + 1)³ over pairs, from blocks of squared distances: x·y = (|x|² + |y|² − |x − y|²) / 2.

    Attributes:
        sum: over the pairs so far.
    """

    def __init__(self, a: Tensor, b: Tensor) -> None:
        self.sum = 0.0
        self._half = 1 / (2 * a.shape[1])
        self._rows = a.double().square().sum(1, keepdim=True) * self._half + 1
        self._columns = b.double().square().sum(1) * self._half
        self._start = 0
        self._base, self._square = (self._rows.new_empty(0) for _ in range(2))  # reused memory

    def add(self, block: Tensor) -> None:
        """Add the next rows."""
        base, square = (buffer.resize_(block.shape) for buffer in (self._base, self._square))
        end = self._start + len(block)
        torch.sub(self._columns, block, alpha=self._half, out=base).add_(self._rows[self._start : end])
        torch.mul(base, base, out=square)
        self.sum += float(torch.dot(square.flatten(), base.flatten()))
        self._start = end
