"""Modes of vectors by the labels of real ones: a sample belongs to the mode of the real vector nearest to it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean, stdev

import numpy as np
import torch
from torch import Tensor

from ganbench.core.errors import GanbenchError
from ganbench.core.mode_states import ModeState, mode_states
from ganbench.core.seeding import stream
from ganbench.core.verdict import Measured
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.bare_arrays import as_array, features_of
from ganbench.evaluation.metrics import value_or_nan
from ganbench.evaluation.metrics.distances import by_row, column_of_smallest, squares
from ganbench.evaluation.metrics.pairs import PairStatistics
from ganbench.evaluation.metrics.precision import Precision
from ganbench.evaluation.metrics.width import Width

RECOGNISED = 0.5
"""Share of a mode's real vectors that must be nearest to another one of it: else vectors don't tell the mode apart."""
DRAWS = 100
"""Number of random draws of modes by which the noise of shares is known."""
DRAWS_OF_WIDTH = 16
"""Number of random parts of the real vectors by which the noise of the width is known."""


@dataclass(frozen=True)
class ModeShares:
    """Shares of all samples in each mode, by name.

    Attributes:
        every, good: of all samples, and of good ones.
        fair: of real vectors, recognised in the same way.
        misplaced: share of samples that would have to change their mode for all shares to be fair.
        width: of the modes around their own centres, 1 for real vectors; None if no mode has two samples.
    """

    every: Mapping[str, float]
    good: Mapping[str, float]
    fair: Mapping[str, float]
    misplaced: Measured
    width: Measured | None

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

    def __init__(self, real: Tensor, labels: object, some: Tensor, samples: int) -> None:
        """Check that the labels can be recognised from the vectors.

        Args:
            real: float32 [N, d].
            labels: whole numbers [N].
            some: indices of the real vectors with which that is checked, in random order, at least twice `samples`.
            samples: number of samples to score.

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
        self._some, self._samples = self._features(real[some], recognised), samples

    def shares(self, fake: Tensor, good: Tensor) -> ModeShares:
        """Shares of samples [N, d] in each mode.

        Args:
            good: bool [M], whether the first samples are good.
        """
        nearest = by_row(len(fake), squares(fake, self._real), column_of_smallest)
        modes = self._labels[nearest]
        every, width = self._shares(modes, len(fake)), self._width(self._features(fake, modes), self._some)
        misplaced = _surplus(torch.tensor(list(every.values())), torch.tensor(self.fair_shares))
        return ModeShares(
            every=every,
            good=self._shares(modes[: len(good)][good], len(good)),
            fair=dict(zip(self.names, self.fair_shares, strict=True)),
            misplaced=Measured(misplaced, *self._misplaced_of_real),
            width=None if math.isnan(width) else Measured(width, *self._width_of_real),
        )

    @cached_property
    def _misplaced_of_real(self) -> tuple[float, float]:
        """Mean and deviation of the share of misplaced samples, if they and the real ones are drawn by fair shares."""
        fair = torch.tensor(self.fair_shares, dtype=torch.float64)
        values = []
        for draw in range(DRAWS):
            random = stream(draw, "metric")
            counts = (
                fair.multinomial(number, replacement=True, generator=random).bincount(minlength=len(fair)) / number
                for number in (self._samples, len(self._some))
            )
            values.append(_surplus(*counts))
        return fmean(values), stdev(values)

    @cached_property
    def _width_of_real(self) -> tuple[float, float]:
        """Mean and deviation of the width of random parts of real vectors, beside the others."""
        values = []
        for draw in range(DRAWS_OF_WIDTH):
            order = torch.randperm(len(self._some), generator=stream(draw, "metric")).to(self._real.device)
            values.append(self._width(*(self._some.select(part) for part in order.tensor_split([self._samples]))))
        return fmean(values), stdev(values)

    def _width(self, fake: Features, real: Features) -> float:
        reference = Reference(**vars(real), weights=torch.tensor(self.fair_shares), training=None)
        return value_or_nan(Width(), fake=fake, real=reference)

    def _features(self, vectors: Tensor, modes: Tensor) -> Features:
        return replace(features_of(vectors), labels=modes, modes=len(self.names))

    def _shares(self, modes: Tensor, samples: int) -> dict[str, float]:
        counts = torch.bincount(modes, minlength=len(self.names)).double() / samples
        return dict(zip(self.names, counts.tolist(), strict=True))


def good_samples(fake: Features, real: Reference) -> Tensor:
    """For each of the first samples, whether it lies in the ball of a real one, as in `precision`; bool [N]."""
    precision = Precision()
    return PairStatistics.of(fake, real, precision.samples).balls(precision.k).around_fake > 0


def _surplus(shares: Tensor, fair: Tensor) -> float:
    """The sum of what shares, [K], have above fair ones: their total variation distance."""
    return float((shares - fair).clamp_min(0).sum())


def _checked(labels: object, count: int) -> np.ndarray[tuple[int], np.dtype[np.integer]]:
    array = as_array(labels)
    values = array.detach().cpu().numpy() if isinstance(array, Tensor) else np.asarray(array)
    if values.dtype.kind not in "iu":
        raise GanbenchError(f"labels must be whole numbers, not {values.dtype}")
    if values.shape != (count,):
        raise GanbenchError(f"labels must have shape [{count}], one for each real vector, not {list(values.shape)}")
    return values
