"""Observations of a run's samples, and of equally many real ones: the collapse detector knows nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SampleSummary:
    """Summary of a set of samples.

    Attributes:
        samples: number of samples.
        counts: good samples in each mode, [K].
        width: of the modes, relative to real ones; NaN if no mode has two good samples.
        duplicates: share of samples that are near-duplicates of another, in [0, 1].
        covered: share of real samples with a generated one nearby, in [0, 1], by at most as many samples as the verdict
            uses; NaN if it was not measured, as in observations of earlier versions.
        appearing: all samples in each mode, good or not, [K]; empty in observations of earlier versions.
    """

    samples: int
    counts: tuple[int, ...]
    width: float
    duplicates: float
    covered: float = math.nan
    appearing: tuple[int, ...] = ()

    @property
    def good(self) -> float:
        """Share of good samples."""
        return sum(self.counts) / self.samples


@dataclass(frozen=True)
class Observation:
    """One evaluation during training.

    Attributes:
        step: generator steps done.
        summary: that of the samples.
        critic: mean D(x) and D(G(z)) since the previous observation if D is a probability; else None.
    """

    step: int
    summary: SampleSummary
    critic: tuple[float, float] | None = None


@dataclass(frozen=True)
class RealBaseline:
    """Means and standard deviations of the summaries of equally many real samples.

    Attributes:
        samples: number of samples in each set.
        weights: share of each mode.
        least: by mode, the good samples needed for it to count as present: two, and 1 % of its expected number.
        good: share of good samples.
        width, duplicates, covered: as in `SampleSummary`.
    """

    samples: int
    weights: tuple[float, ...]
    least: tuple[int, ...]
    good: tuple[float, float]
    width: tuple[float, float]
    duplicates: tuple[float, float]
    covered: tuple[float, float]


def baseline_of(samples: int, weights: Sequence[float], real: Mapping[str, float]) -> RealBaseline:
    """The baseline for a number of samples.

    Args:
        weights: share of each mode in the data.
        real: means `good`, `width`, `duplicates`, `covered` over sets of real samples, and their deviations as
            `good-sd`, ….
    """
    shares = np.asarray(weights) / np.sum(weights)
    return RealBaseline(
        samples=samples,
        weights=tuple(shares.tolist()),
        least=tuple(max(2, math.ceil(0.01 * samples * share)) for share in shares),
        good=(real["good"], real["good-sd"]),
        width=(real["width"], real["width-sd"]),
        duplicates=(real["duplicates"], real["duplicates-sd"]),
        covered=(real["covered"], real["covered-sd"]),
    )
