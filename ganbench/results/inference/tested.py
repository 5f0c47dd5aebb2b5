"""Comparisons that are tested together: their p-values, corrected for how many there are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ganbench.results.inference.intervals import LEVEL


@dataclass(frozen=True, kw_only=True)
class Tested:
    """A comparison that is tested among others.

    Attributes:
        p: of the hypothesis that there is no difference.
        corrected_p: p after Holm's correction for all comparisons that are tested together; NaN before it.
    """

    p: float
    corrected_p: float = math.nan

    @property
    def significant(self) -> bool:
        """True if the corrected p is at most 5 %."""
        return self.corrected_p <= 1 - LEVEL


T = TypeVar("T", bound=Tested)


def corrected(tested: Sequence[T], planned: int = 0) -> list[T]:
    """The same comparisons with p-values corrected for their number, or for a larger one that was planned."""
    ps = holm([each.p for each in tested], planned)
    return [replace(each, corrected_p=p) for each, p in zip(tested, ps, strict=True)]


def holm(ps: Sequence[float], planned: int = 0) -> list[float]:
    """Holm's step-down correction (1979): pᵢ becomes max over j ≤ i of (m − j + 1) · p₍ⱼ₎, at most 1; NaN stays.

    Args:
        planned: m, if it is larger than the number of p-values: those that aren't known yet may be the largest, and
            then the correction is strongest. So what is decided now stays decided.
    """
    found = [math.nan] * len(ps)
    known = [index for index in range(len(ps)) if not math.isnan(ps[index])]
    worst = 0.0
    for rank, index in enumerate(sorted(known, key=lambda index: ps[index])):
        worst = max(worst, min(1.0, (max(len(known), planned) - rank) * ps[index]))
        found[index] = worst
    return found
