"""Modes of vectors by the labels of real ones: a sample belongs to the mode of the real vector nearest to it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganbench.core.errors import GanbenchError
from ganbench.core.verdict import ModeState, mode_states
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.bare_arrays import as_array
from ganbench.evaluation.metrics.distances import by_row, column_of_smallest, squares
from ganbench.evaluation.metrics.pairs import PairStatistics
from ganbench.evaluation.metrics.precision import Precision

RECOGNISED = 0.5
"""Share of a mode's real vectors that must be nearest to another one of it: else vectors don't tell the mode apart."""


@dataclass(frozen=True)
class ModeShares:
    """Shares of all samples in each mode, by name.

    Attributes:
        every, good: of all samples, and of good ones.
        fair: of real vectors, recognised in the same way.
    """

    every: Mapping[str, float]
    good: Mapping[str, float]
    fair: Mapping[str, float]

    def states(self, samples: int) -> dict[str, ModeState]:
        """The modes that are lost, thin or not sharp."""
        return mode_states(self.every, self.good, self.fair, samples)


class NearestModes:
    """Real vectors and their labels.

    Attributes:
        names: the labels as text, ascending.
        fair_shares: share of each mode among some real vectors, by the nearest other one; sums to 1.
        sha256: hash of the labels.
    """

    def __init__(self, real: Tensor, labels: object, some: Tensor) -> None:
        """Check that the labels can be recognised from the vectors.

        Args:
            real: float32 [N, d].
            labels: whole numbers [N].
            some: indices of the real vectors with which that is checked.

        Raises:
            GanbenchError: labels that aren't such numbers, or a mode that can't be recognised.
        """
        values = _checked(labels, len(real))
        present, numbers = np.unique(values, return_inverse=True)
        if len(present) < 2:
            raise GanbenchError("all labels are the same: leave them out, or give at least two modes")
        self.names = tuple(map(str, present.tolist()))
        self.sha256 = hashlib.sha256(numbers.astype(np.int64).tobytes() + repr(self.names).encode()).hexdigest()
        self._real, self._labels = real, torch.from_numpy(numbers.astype(np.int64)).to(real.device)
        nearest = by_row(len(some), squares(real[some], real), lambda block: block.topk(2, largest=False).indices)
        other = torch.where(nearest[:, 0] == some, nearest[:, 1], nearest[:, 0])
        recognised, true = self._labels[other], self._labels[some]
        for mode, name in enumerate(self.names):
            of_mode = true == mode
            share = float((recognised[of_mode] == mode).double().mean())  # NaN if there are none
            if not share >= RECOGNISED:
                raise GanbenchError(
                    f"these vectors don't tell label {name} apart: of {int(of_mode.sum()):,} real ones with it, "
                    f"{0 if share != share else share:.0%} are nearest to another one with it, and half must be"
                )
        self.fair_shares = tuple(self._shares(recognised, len(some)).values())

    def shares(self, fake: Tensor, good: Tensor) -> ModeShares:
        """Shares of samples [N, d] in each mode.

        Args:
            good: bool [M], whether the first samples are good.
        """
        nearest = by_row(len(fake), squares(fake, self._real), column_of_smallest)
        modes = self._labels[nearest]
        return ModeShares(
            every=self._shares(modes, len(fake)),
            good=self._shares(modes[: len(good)][good], len(good)),
            fair=dict(zip(self.names, self.fair_shares, strict=True)),
        )

    def _shares(self, modes: Tensor, samples: int) -> dict[str, float]:
        counts = torch.bincount(modes, minlength=len(self.names)).double() / samples
        return dict(zip(self.names, counts.tolist(), strict=True))


def good_samples(fake: Features, real: Reference) -> Tensor:
    """For each of the first samples, whether it lies in the ball of a real one, as in `precision`; bool [N]."""
    precision = Precision()
    return PairStatistics.of(fake, real, precision.samples).balls(precision.k).around_fake > 0


def _checked(labels: object, count: int) -> np.ndarray[tuple[int], np.dtype[np.integer]]:
    array = as_array(labels)
    values = array.detach().cpu().numpy() if isinstance(array, Tensor) else np.asarray(array)
    if values.dtype.kind not in "iu":
        raise GanbenchError(f"labels must be whole numbers, not {values.dtype}")
    if values.shape != (count,):
        raise GanbenchError(f"labels must have shape [{count}], one for each real vector, not {list(values.shape)}")
    return values
