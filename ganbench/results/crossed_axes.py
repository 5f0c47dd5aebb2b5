"""Two axes of an experiment that were crossed: what each of them changes, with the other one held equal.

The methods of such an experiment are called by a value of each axis: “BatchNorm, minimax”.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ganbench.core.annotation import LOST
from ganbench.results.compare import COUNTED
from ganbench.results.factor_effects import outcome_losses
from ganbench.results.grouping import scored_alike
from ganbench.results.inference import Interval, Tested, Values, corrected
from ganbench.results.inference.factorial import better_in_strata
from ganbench.results.inference.ranks import superiority
from ganbench.results.pairs_in_words import reverses
from ganbench.results.verdict_words import mostly_failed, words_of_runs
from ganbench.results.views import runs

Cells = Mapping[tuple[str, str], Values]
"""The losses of the runs of each method, by its values of both axes; NaN is a failed run, which ranks worst."""


@dataclass(frozen=True)
class AxisPair(Tested):
    """Two values of an axis, compared by one outcome wherever both were trained with the same value of the other axis.

    Attributes:
        axis: 0 for the first axis, 1 for the second.
        one, other: the two values.
        equal: the values of the other axis.
        label: the outcome, in words.
        better: the probability that a run with `one` is better, averaged over `equal`, with its 95 % interval.
        beside: the same beside each of `equal`.
        counts: of missing modes, the number of runs without one, and of all, with either value; empty otherwise.
        counts_beside: the same beside each of `equal`.
        images: number of real images that a run with `one` saw, over that of one with `other`; NaN if none saw any.
        runs, failed: number of runs with either value, and of those without a score, which rank worst.
    """

    dataset: str
    axis: int
    one: str
    other: str
    equal: tuple[str, ...]
    label: str
    better: Interval
    beside: tuple[Interval, ...]
    counts: tuple[tuple[int, int], ...]
    counts_beside: tuple[tuple[tuple[int, int], ...], ...]
    images: float
    runs: int
    failed: int

    @property
    def decided(self) -> bool:
        """True if the two values are shown to differ."""
        return self.significant or reverses(self.beside)


def crossed_axes(table: pd.DataFrame) -> list[AxisPair]:
    """Compare all pairs of values of both axes, by each primary outcome; none if methods aren't named by two axes.

    Only counts of missing modes include settings in which most runs of both methods have nothing to show: other
    outcomes would say how they fail.
    """
    ended, words = runs(table), words_of_runs(table)
    ended = ended[ended["status"].isin(COUNTED) & (ended["name"] != "") & (ended["primary"] != "")]
    found = []
    for (dataset, primary), members in ended.groupby(["dataset", "primary"], observed=True):
        method_of = {str(run): _values(str(name)) for run, name in zip(members["run"], members["name"], strict=True)}
        if not all(first and second for first, second in method_of.values()) or not scored_alike(table, method_of):
            continue
        images = dict(zip(members["run"].astype(str), members["images"].astype(float), strict=True))
        seen = {
            method: float(np.median([images[run] for run in method_of if method_of[run] == method]))
            for method in dict.fromkeys(method_of.values())
        }
        failed = {
            method for method in seen if mostly_failed([run for run in method_of if method_of[run] == method], words)
        }
        for outcome in str(primary).split(","):
            losses, label = outcome_losses(table, outcome, list(method_of))
            if losses:
                cells: dict[tuple[str, str], list[float]] = {}
                for run, method in method_of.items():
                    cells.setdefault(method, []).append(losses.get(run, math.nan))
                arrays = {method: np.array(values) for method, values in cells.items()}
                counted = outcome == LOST
                left_out = frozenset() if counted else failed
                found += corrected(_pairs(str(dataset), label, arrays, seen, left_out, counted=counted))
    return found


def _values(name: str) -> tuple[str, str]:
    first, _, second = name.partition(", ")
    return first, second


def _pairs(
    dataset: str,
    label: str,
    cells: Cells,
    seen: Mapping[tuple[str, str], float],
    failed: Collection[tuple[str, str]],
    *,
    counted: bool,
) -> list[AxisPair]:
    found = []
    for axis in (0, 1):
        values = list(dict.fromkeys(method[axis] for method in cells))
        for one, other in itertools.combinations(values, 2):
            sides = [
                {method[1 - axis]: cells[method] for method in cells if method[axis] == each} for each in (one, other)
            ]
            methods = [{method[1 - axis]: method for method in cells if method[axis] == each} for each in (one, other)]
            equal = tuple(
                value
                for value in sides[0]
                if value in sides[1] and not {methods[0][value], methods[1][value]} <= set(failed)
            )
            if not equal:
                continue
            strata = [(sides[0][value], sides[1][value]) for value in equal]
            of_sides = [
                sum(images for method, images in seen.items() if method[axis] == each and method[1 - axis] in equal)
                for each in (one, other)
            ]
            images = of_sides[0] / of_sides[1] if of_sides[1] else math.nan
            better, p = better_in_strata(strata)
            beside = tuple(superiority(*stratum) for stratum in strata)
            counts = tuple(_count([stratum[side] for stratum in strata]) for side in (0, 1)) if counted else ()
            each = tuple(tuple(_count([losses]) for losses in stratum) for stratum in strata) if counted else ()
            every = np.concatenate([losses for stratum in strata for losses in stratum])
            seeds = (len(every), int(np.isnan(every).sum()))
            found.append(
                AxisPair(dataset, axis, one, other, equal, label, better, beside, counts, each, images, *seeds, p=p)
            )
    return found


def _count(losses: Sequence[Values]) -> tuple[int, int]:
    """Number of runs with a loss above 0, or none, and of all."""
    values = np.concatenate(losses)
    return int((~(values <= 0)).sum()), len(values)
