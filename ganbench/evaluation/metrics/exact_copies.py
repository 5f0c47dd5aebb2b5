"""Samples at distance 0 of others: equal in every byte."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from ganbench.data.evaluators import Features
from ganbench.evaluation.metrics.memo import memoize_on


def share_of_copies(fake: Features, real: Features, name: str, originals: Callable[[], Tensor]) -> float:
    """Share of samples that equal one of the originals, which are memoised on `real` under this name."""
    known = memoize_on(real, ("bytes", name), lambda: frozenset(_rows(originals())))
    return sum(row in known for row in _rows(fake.samples)) / len(fake)


def _rows(samples: Tensor) -> list[bytes]:
    if samples.is_floating_point():
        samples = samples + 0.0  # −0.0, which equals 0.0, has other bytes
    rows = samples.detach().cpu().flatten(1).contiguous().numpy()
    return [row.tobytes() for row in rows]
