"""Factorial designs: the effect of each factor with the others held equal, and how factors change each other's."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scipy import optimize, special

from ganbench.results.inference.intervals import LEVEL, Interval
from ganbench.results.inference.losses import Values
from ganbench.results.inference.ranks import NORMAL, Share, null_variance, share_in_strata, superiority
from ganbench.results.inference.seeds_needed import MAX_P, MAX_SEEDS
from ganbench.results.inference.tested import Tested, corrected

MAX_Z = 60.0
"""Above any quantile at which a difference is looked for: its tail has no probability that a computer can hold."""
ROUNDING = 1e-9
Cell = tuple[bool, ...]
"""The setting of all factors: True for one that is on."""


@dataclass(frozen=True)
class Effect(Tested):
    """The effect of a factor, or how far a second one changes it.

    Attributes:
        factors: one name for an effect, two for an interaction.
        better: of an effect, the probability that a seed with the factor is better than one without, everything else
            equal (½: none), averaged over the settings of the other factors. Of an interaction, that probability with
            the second factor minus the one without it (0: none). With its 95 % interval.
        by_setting: of an effect, the probability in each setting of the other factors, by those that are on; with its
            95 % interval.
        sides: of an interaction, the two probabilities: with the second factor, and without it.
    """

    factors: tuple[str, ...]
    better: Interval
    by_setting: Mapping[frozenset[str], Interval] = field(default_factory=dict)
    sides: tuple[float, float] | None = None


def effects(names: Sequence[str], losses: Mapping[Cell, Values]) -> list[Effect]:
    """Effects of all factors and interactions of all pairs of them, in a full 2^k design.

    A comparison is made within each setting of the other factors and averaged, so that nothing but the factor differs,
    and tested as in `better_in_strata`. An interaction is tested by its own interval's level, in both directions: a
    factor that is always better leaves no room for another one to change that, and may yet change what the other does.

    Args:
        names: of the factors.
        losses: of the seeds of each of the 2^k cells; NaN is a failed seed, which ranks worst.

    Raises:
        ValueError: a cell is missing or has no seeds.
    """
    cells = list(itertools.product((False, True), repeat=len(names)))
    missing = [cell for cell in cells if not len(losses.get(cell, ()))]
    if missing:
        raise ValueError(f"{len(missing)} of {len(cells)} cells of the design have no seeds")
    found = [_effect(names, factor, losses) for factor in range(len(names))]
    found += [_interaction(names, *pair, losses) for pair in itertools.permutations(range(len(names)), 2)]
    return corrected(found)


def _strata(count: int, factor: int, losses: Mapping[Cell, Values]) -> dict[Cell, tuple[Values, Values]]:
    """The losses with and without a factor, by the setting of the others (the factor itself on)."""
    on = [cell for cell in itertools.product((False, True), repeat=count) if cell[factor]]
    return {cell: (losses[cell], losses[(*cell[:factor], False, *cell[factor + 1 :])]) for cell in on}


def better_in_strata(strata: Sequence[tuple[Values, Values]]) -> tuple[Interval, float]:
    """Compare two kinds of seeds within strata in which all else is equal.

    Args:
        strata: in each, the losses of seeds of both kinds; NaN is a failed seed, which ranks worst.

    Returns:
        The probability that a seed of the first kind is better, averaged over strata, with its 95 % interval, and the
        p-value of van Elteren's (1960) test with equal weights: the sum of Mann–Whitney statistics over strata, with
        its variance under the hypothesis that neither is. It is never below that of the most extreme outcome, which
        few seeds can't fall below in an exact test.
    """
    share = share_in_strata(strata)
    null = sum(null_variance(one, other) for one, other in strata) / len(strata) ** 2
    z = 0.0 if null == 0 else (share.better - 0.5) / math.sqrt(null)
    outcomes = math.prod(math.comb(len(one) + len(other), len(one)) for one, other in strata)
    return share.interval(), max(_two_sided(z), min(1.0, 2 / outcomes))


def seeds_for_even_chance(seeds: int, p: float, corrected_p: float) -> int | None:
    """Estimate how many seeds in each cell would give an even chance of a corrected p ≤ .05.

    The effect is taken to be as large as it looks, and the correction to be as strong as it is. The deviation of an
    average of ranks grows with the root of the number of seeds.

    Args:
        seeds: those in each cell now.
        p: of the test with them.
        corrected_p: the same after the correction for several tests.

    Returns:
        None if the effect can't be distinguished from none, or it takes more than a thousand seeds.
    """
    if p > MAX_P:
        return None
    level = (1 - LEVEL) * p / corrected_p
    needed = seeds * (special.ndtri(1 - level / 2) / special.ndtri(1 - p / 2)) ** 2
    return math.ceil(needed) if needed <= MAX_SEEDS else None


def change_between(
    first: Sequence[tuple[Values, Values]], second: Sequence[tuple[Values, Values]]
) -> tuple[Interval, float]:
    """Compare how often one kind of seeds is better in two sets of strata that share no seeds.

    The interval is put together from Wilson's intervals of both averages (MOVER, Zou & Donner 2008).

    Returns:
        The probability of being better, averaged over the first strata, minus that in the second ones, with its 95 %
        interval, and the p-value of the hypothesis that they are equal: 1 minus the level of the interval that just
        reaches 0.
    """
    one, other = share_in_strata(first), share_in_strata(second)
    return _difference(one, other, NORMAL), _p_of_difference(one, other)


def _difference(one: Share, other: Share, z: float) -> Interval:
    difference = one.better - other.better
    (_, low, high), (_, other_low, other_high) = one.interval(z), other.interval(z)
    below = math.hypot(one.better - low, other_high - other.better)
    above = math.hypot(high - one.better, other.better - other_low)
    return Interval(difference, max(-1.0, difference - below), min(1.0, difference + above))


def _p_of_difference(one: Share, other: Share) -> float:
    larger, smaller = (one, other) if one.better > other.better else (other, one)
    if larger.better - smaller.better < ROUNDING:
        return 1.0
    return _two_sided(optimize.brentq(lambda z: _difference(larger, smaller, z).low, ROUNDING, MAX_Z))


def _effect(names: Sequence[str], factor: int, losses: Mapping[Cell, Values]) -> Effect:
    strata = _strata(len(names), factor, losses)
    better, p = better_in_strata(list(strata.values()))
    by_setting = {
        frozenset(name for name, on in zip(names, cell, strict=True) if on and name != names[factor]): superiority(
            *pair
        )
        for cell, pair in strata.items()
    }
    return Effect((names[factor],), better, by_setting, p=p)


def _interaction(names: Sequence[str], factor: int, other: int, losses: Mapping[Cell, Values]) -> Effect:
    strata = _strata(len(names), factor, losses)
    with_other, without = ([pair for cell, pair in strata.items() if cell[other] == on] for on in (True, False))
    better, p = change_between(with_other, without)
    sides = (share_in_strata(with_other).better, share_in_strata(without).better)
    return Effect((names[factor], names[other]), better, sides=sides, p=p)


def _two_sided(z: float) -> float:
    return 2 * float(special.ndtr(-abs(z)))
