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


def corrected(tested: Sequence[T]) -> list[T]:
    """The same comparisons with p-values corrected for their number."""
    return [replace(each, corrected_p=p) for each, p in zip(tested, holm([each.p for each in tested]), strict=True)]


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's step-down correction (1979): pᵢ becomes max over j ≤ i of (m − j + 1) · p₍ⱼ₎, at most 1; NaN stays."""
    found = [math.nan] * len(ps)
    known = [index for index in range(len(ps)) if not math.isnan(ps[index])]
    worst = 0.0
    for rank, index in enumerate(sorted(known, key=lambda index: ps[index])):
        worst = max(worst, min(1.0, (len(known) - rank) * ps[index]))
        found[index] = worst
    return found
