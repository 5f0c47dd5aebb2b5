"""Means of training statistics between two evaluations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ganbench.tracking.metric_names import canonical


class MeanStatistics:
    """The means of each seed's training statistics over the snapshots since the last evaluation.

    Attributes:
        count: number of snapshots summed so far.
    """

    def __init__(self, sums: Mapping[str, Sequence[float]], count: int) -> None:
        # The checkpoint of an earlier version has names with hyphens.
        self._sums = {canonical(name): torch.tensor(values, dtype=torch.float64) for name, values in sums.items()}
        self.count = count

    def add(self, statistics: Mapping[str, Tensor]) -> None:
        """Add the statistics of a snapshot; by name, one number per seed, [S]."""
        for name, values in statistics.items():
            # Sums stay on the device, so that no synchronisation is needed.
            before = self._sums[name].to(values.device) if name in self._sums else 0.0
            self._sums[name] = before + values.double()
        self.count += 1

    def sums(self) -> dict[str, list[float]]:
        """Return the sums as plain numbers, for a checkpoint."""
        return {name: sums.tolist() for name, sums in self._sums.items()}

    def take(self) -> dict[str, list[float]]:
        """Return the means, by name and seed, and start again."""
        means = {name: (sums / self.count).tolist() for name, sums in self._sums.items()}
        self._sums, self.count = {}, 0
        return means
