"""Laws of factorial effects, and simulations of their errors."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import special

from ganbench.results.inference import Values
from ganbench.results.inference.factorial import (
    Cell,
    Effect,
    better_in_strata,
    change_between,
    effects,
    seeds_for_even_chance,
)
from ganbench.results.inference.ranks import mann_whitney, superiority

NAMES = ("pairing", "R1", "R2")


def design(random: np.random.Generator, seeds: int = 10, **shifts: float) -> dict[Cell, np.ndarray]:
    """Standard normal losses, lowered by the shift of each factor that is on; `both` if the first two are."""
    found = {}
    for cell in itertools.product((False, True), repeat=len(NAMES)):
        lower = sum(shifts.get(name, 0.0) for name, on in zip(NAMES, cell, strict=True) if on)
        found[cell] = random.standard_normal(seeds) - lower - shifts.get("both", 0.0) * (cell[0] and cell[1])
    return found


def by_factors(found: list[Effect]) -> dict[tuple[str, ...], Effect]:
    return {effect.factors: effect for effect in found}


def test_a_single_factor_is_the_comparison_of_two_methods() -> None:
    random = np.random.default_rng(0)
    one, other = random.standard_normal(10), random.standard_normal(10) + 1
    (effect,) = effects(["R1"], {(True,): one, (False,): other})
    assert effect.better.middle == superiority(one, other).middle
    assert effect.p == pytest.approx(mann_whitney(one, other), abs=0.02)
    assert effect.corrected_p == effect.p


def test_an_effect_has_its_share_in_each_setting_of_the_others() -> None:
    low, high = np.arange(5.0), np.arange(5.0) + 10
    losses: dict[Cell, Values] = {(True, True): low, (False, True): high, (True, False): high, (False, False): low}
    found = by_factors(effects(["R1", "R2"], losses))
    shares = {setting: share.middle for setting, share in found["R1",].by_setting.items()}
    assert shares == {frozenset(): 0, frozenset({"R2"}): 1}
    assert found["R1",].better.middle == 0.5


def test_it_finds_what_was_planted_and_nothing_else() -> None:
    found = by_factors(effects(NAMES, design(np.random.default_rng(1), R1=2.0)))
    assert {factors for factors, effect in found.items() if effect.significant} == {("R1",)}
    # P(Z < 2 / √2), of two normal losses that are two deviations apart.
    assert found["R1",].better.low < 0.9214 < found["R1",].better.high


def test_an_interaction_is_a_factor_that_helps_only_with_another() -> None:
    found = by_factors(effects(NAMES, design(np.random.default_rng(2), both=2.0)))
    assert found["pairing", "R1"].significant
    assert found["pairing", "R1"].better.low > 0
    with_it, without = found["pairing", "R1"].sides or (0.0, 0.0)
    assert with_it - without == found["pairing", "R1"].better.middle
    assert with_it == pytest.approx(0.9214, abs=0.1)
    assert without == pytest.approx(0.5, abs=0.15)
    assert not found["pairing", "R2"].significant


def test_an_interaction_is_seen_from_the_side_that_leaves_room_for_it() -> None:
    """R1 is always better, whatever R2 does; R2 is better where R1 isn't there."""
    higher = {(True, True): 0, (True, False): 0, (False, True): 20, (False, False): 40}
    losses: dict[Cell, np.ndarray] = {cell: np.arange(10) / 10 + shift for cell, shift in higher.items()}
    found = by_factors(effects(("R1", "R2"), losses))
    assert found["R1", "R2"].sides == (1, 1)
    assert not found["R1", "R2"].significant
    assert found["R2", "R1"].sides == (0.5, 1)
    assert found["R2", "R1"].significant


def test_only_the_order_of_losses_matters() -> None:
    losses = design(np.random.default_rng(3), R1=0.5)
    assert effects(NAMES, losses) == effects(NAMES, {cell: np.exp(values) for cell, values in losses.items()})


def test_failed_seeds_rank_worst() -> None:
    losses = design(np.random.default_rng(4))
    for cell, values in losses.items():
        if not cell[1]:
            values[:5] = np.nan
    worst = {cell: np.nan_to_num(values, nan=1e9) for cell, values in losses.items()}
    assert effects(NAMES, losses) == effects(NAMES, worst)
    assert by_factors(effects(NAMES, losses))["R1",].significant


def test_seeds_that_all_agree_leave_an_interval() -> None:
    losses = {cell: np.full(10, -float(cell[1])) for cell in itertools.product((False, True), repeat=3)}
    better = by_factors(effects(NAMES, losses))["R1",].better
    assert better.middle == better.high == 1
    assert better.low < 0.99


def test_a_missing_cell_is_refused() -> None:
    losses = design(np.random.default_rng(5))
    del losses[True, True, True]
    with pytest.raises(ValueError, match="1 of 8 cells"):
        effects(NAMES, losses)


def test_false_findings_and_coverage_are_as_promised() -> None:
    random = np.random.default_rng(6)
    times, false, covered, changed = 300, 0, 0, 0
    for _ in range(times):
        nothing = effects(NAMES, design(random, seeds=7))
        false += any(effect.significant for effect in nothing)
        something = by_factors(effects(NAMES, design(random, seeds=7, R1=1.0)))
        covered += something["R1",].better.low <= 0.7602 <= something["R1",].better.high
        changed += something["pairing", "R1"].better.low <= 0 <= something["pairing", "R1"].better.high
    assert false / times <= 0.08
    assert 0.92 <= covered / times <= 0.98
    assert 0.92 <= changed / times <= 0.98


@pytest.mark.parametrize("shares", [(0.5,), (0.9,), (0.96, 0.96, 0.96), (0.99, 0.9, 0.6)])
def test_intervals_of_few_strata_cover_what_they_promise(shares: tuple[float, ...]) -> None:
    """Also near 1, where all pairs of most strata agree by chance; one stratum has the interval of two methods."""
    random = np.random.default_rng(1)
    times, covered, of_change, false, mean = 300, 0, 0, 0, float(np.mean(shares))
    for _ in range(times):
        one, other = (strata(random, shares) for _ in range(2))
        better = better_in_strata(one)[0]
        assert len(one) > 1 or better == superiority(*one[0])
        change, p = change_between(one, other)
        covered += better.low <= mean <= better.high
        of_change += change.low <= 0 <= change.high
        assert (change.low <= 0 <= change.high) == (p >= 0.05), "the test is the interval's"
        false += p < 0.05
    assert covered / times >= 0.92
    assert of_change / times >= 0.92
    assert false / times <= 0.08


def strata(random: np.random.Generator, shares: tuple[float, ...]) -> list[tuple[Values, Values]]:
    """Seven seeds of each kind in each stratum, the first better with these probabilities."""
    shifts = [np.sqrt(2) * special.ndtri(share) for share in shares]
    return [(random.standard_normal(7) - shift, random.standard_normal(7)) for shift in shifts]


def test_few_seeds_that_all_agree_show_a_change_only_so_far() -> None:
    better, worse = np.arange(2.0), np.arange(2.0) + 10
    change, p = change_between([(better, worse)], [(worse, better)])
    assert change.middle == 1
    assert 0.01 < p < 0.05
    assert change_between([(better, worse)], [(better, worse)])[1] == 1


@pytest.mark.parametrize("tests", [1, 6])
def test_seeds_for_an_even_chance_give_one(tests: int) -> None:
    """Of an effect that looks as large as it is, half of the studies with that many seeds pass the corrected test."""
    random = np.random.default_rng(3)

    def p_value(seeds: int) -> float:
        return better_in_strata([(random.standard_normal(seeds) - 0.9, random.standard_normal(seeds))])[1]

    p = float(np.median([p_value(10) for _ in range(400)]))
    needed = seeds_for_even_chance(10, p, min(1.0, tests * p))
    assert needed is not None
    passed = np.mean([tests * p_value(needed) <= 0.05 for _ in range(600)])
    assert 0.4 < passed < 0.62


def test_a_correction_takes_more_seeds_and_no_effect_has_no_number() -> None:
    assert seeds_for_even_chance(7, 0.05, 0.05) == 7
    corrected = seeds_for_even_chance(7, 0.05, 0.3)
    assert corrected is not None
    assert corrected > 7
    assert seeds_for_even_chance(7, 0.5, 1.0) is None
