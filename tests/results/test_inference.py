"""Statistics over seeds: laws, hand-worked cases and independent implementations; rates by small simulations.

The full simulation is `python -m benchmarks.inference`.
"""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from benchmarks.inference_shapes import SHAPES, Shape, failing, normal, two_heaps
from ganbench.results.inference import (
    MIN_SEEDS,
    as_losses,
    better_with_probability,
    contrast,
    corrected,
    estimate,
    find_lead,
    holm,
    iqm,
    iqm_difference,
    is_better,
    mann_whitney,
    profile,
    seeds_needed,
    superiority,
)

Values = NDArray[np.float64]

losses = st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=12).map(np.array)
tied_losses = st.lists(st.sampled_from([0.0, 1, 2, 3, math.nan]), min_size=1, max_size=9).map(np.array)


def winner(*methods: Values) -> int | None:
    named = {str(place): values for place, values in enumerate(methods)}
    lead = find_lead(named, {name: estimate(values) for name, values in named.items()})
    return None if lead.rivals else int(lead.method)


@given(losses)
def test_iqm_equals_scipys_trimmed_mean(values: Values) -> None:
    assert iqm(values) == pytest.approx(float(stats.trim_mean(values, 0.25)), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("shape", "seeds"),
    [
        (SHAPES["normal"], 5),
        (SHAPES["skewed (lognormal, σ = .5)"], 6),
        (SHAPES["counted (of 8 modes, 30 % missing)"], 8),
        (two_heaps(0.3), 8),
        (two_heaps(0.5), 6),
        (failing(0.1), 8),
    ],
)
def test_interval_covers_the_iqm_of_the_distribution(shape: Shape, seeds: int) -> None:
    """With 400 studies, the rate itself is known to within ±2.2 %."""
    truth = iqm(shape(np.random.default_rng(0), 400_000))
    random, covered = np.random.default_rng(1), 0
    for _ in range(400):
        interval = estimate(shape(random, seeds))
        covered += interval.low <= truth <= interval.high
    assert 0.93 - 0.022 <= covered / 400 <= 0.97 + 0.022


def test_plain_percentile_bootstrap_undercovers() -> None:
    """The test above can fail: the textbook interval has too low a coverage."""
    random, covered = np.random.default_rng(1), 0
    for _ in range(600):
        values = random.normal(size=8)
        means = values[random.integers(0, 8, (1000, 8))].mean(1)
        low, high = np.quantile(means, [0.025, 0.975])
        covered += low <= 0 <= high
    assert covered / 600 < 0.91


def test_no_interval_within_the_data_can_show_a_heap_of_which_no_seed_was_drawn() -> None:
    """Of five seeds, none is in a heap of 30 % with a probability of 17 %: the limit that docs/comparing.md states."""
    shape = two_heaps(0.3, sd=0.01)
    truth = iqm(shape(np.random.default_rng(0), 400_000))
    random = np.random.default_rng(1)
    drawn = [shape(random, 5) for _ in range(400)]
    assert np.mean([values.min() <= truth <= values.max() for values in drawn]) < 0.87
    covered = [found.low <= truth <= found.high for found in map(estimate, drawn)]
    assert np.mean(covered) < 0.87


@pytest.mark.parametrize("seeds", [5, 10])
def test_intervals_of_differences_hold_what_they_promise(seeds: int) -> None:
    random, one, other = np.random.default_rng(2), normal(0, 1), two_heaps(0.3)
    many = one(random, 400_000), other(random, 400_000)
    difference, probability = iqm(many[0]) - iqm(many[1]), better_with_probability(*many)
    held, likely = 0, 0
    for _ in range(300):
        pair = contrast("a", one(random, seeds), "b", other(random, seeds))
        held += pair.difference.low <= difference <= pair.difference.high
        likely += pair.probability.low <= probability <= pair.probability.high
    assert held / 300 > 0.93 - 0.025
    assert likely / 300 > 0.93 - 0.025


@pytest.mark.parametrize("shapes", [(normal(0, 1),) * 2, (normal(0, 1),) * 3, (normal(0, 1), normal(0, 10))])
def test_a_winner_among_equally_good_methods_is_named_in_5_percent_of_studies_at_most(
    shapes: tuple[Shape, ...],
) -> None:
    random = np.random.default_rng(3)
    wins = [winner(*(shape(random, 10) for shape in shapes)) is not None for _ in range(400)]
    assert np.mean(wins) < 0.05 + 0.022


def test_better_method_is_found_about_as_often_as_by_the_rank_test_alone() -> None:
    random, wins, rejected = np.random.default_rng(4), 0, 0
    for _ in range(400):
        one, other = random.normal(size=10), random.normal(1.5, 1, 10)
        wins += winner(one, other) == 0
        rejected += mann_whitney(one, other) <= 0.05
    assert wins / 400 > 0.75, "where intervals that don't overlap decide in .45 of studies"
    assert wins / 400 > rejected / 400 - 0.05


@pytest.mark.parametrize("sizes", [(3, 3), (4, 7), (9, 9), (20, 20), (2, 30)])
def test_mann_whitney_is_exact_and_equals_scipy_without_ties(sizes: tuple[int, int]) -> None:
    random = np.random.default_rng(5)
    for _ in range(5):
        one, other = (random.normal(size=n) for n in sizes)
        assert mann_whitney(one, other) == pytest.approx(stats.mannwhitneyu(one, other, method="exact").pvalue)


def test_mann_whitney_of_many_seeds_equals_scipys_with_ties() -> None:
    random = np.random.default_rng(6)
    one, other = random.normal(size=80).round(1), random.normal(0.3, 1, 90).round(1)
    assert mann_whitney(one, other) == pytest.approx(stats.mannwhitneyu(one, other, method="asymptotic").pvalue)


@given(tied_losses.filter(lambda values: len(values) < 6), tied_losses.filter(lambda values: len(values) < 6))
def test_mann_whitney_with_ties_and_failures_counts_all_divisions_of_the_ranks(one: Values, other: Values) -> None:
    ranks = stats.rankdata(np.nan_to_num(np.concatenate([one, other]), nan=np.inf))
    expected = len(one) * (len(ranks) + 1) / 2
    distances = [abs(ranks[list(part)].sum() - expected) for part in combinations(range(len(ranks)), len(one))]
    observed = abs(ranks[: len(one)].sum() - expected)
    assert mann_whitney(one, other) == pytest.approx(np.mean(np.array(distances) >= observed - 1e-9))


@given(tied_losses, tied_losses)
def test_rank_statistics_depend_on_order_alone_and_are_antisymmetric(one: Values, other: Values) -> None:
    def monotone(values: Values) -> Values:
        return np.exp(values) - 5

    assert mann_whitney(monotone(one), monotone(other)) == mann_whitney(one, other)
    assert superiority(monotone(one), monotone(other)) == superiority(one, other)
    assert mann_whitney(other, one) == pytest.approx(mann_whitney(one, other))
    forth, back = superiority(one, other), superiority(other, one)
    assert (forth.middle, forth.low, forth.high) == pytest.approx((1 - back.middle, 1 - back.high, 1 - back.low))
    assert 0 <= forth.low <= forth.middle <= forth.high <= 1


def test_difference_of_iqms_is_antisymmetric_and_moves_with_a_shift() -> None:
    random = np.random.default_rng(7)
    one, other = random.normal(size=300), random.normal(1, 2, 300)
    forth, back = iqm_difference(one, other), iqm_difference(other, one)
    assert forth.middle == -back.middle == iqm(one) - iqm(other)
    assert (forth.low, forth.high) == pytest.approx((-back.high, -back.low), abs=0.05), "up to the resampling"
    moved = iqm_difference(one + 3, other)
    assert tuple(moved) == pytest.approx(tuple(bound + 3 for bound in forth))


@given(losses, losses)
def test_probability_of_being_better_is_antisymmetric(one: Values, other: Values) -> None:
    assert better_with_probability(one, other) == pytest.approx(1 - better_with_probability(other, one))
    assert better_with_probability(one, one) == 0.5
    assert better_with_probability(one - 1e7, other) == 1


def test_failed_seed_counts_as_worse_than_any_score() -> None:
    values = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
    one_failed, many_failed = values.copy(), values.copy()
    one_failed[0] = np.nan
    many_failed[:3] = np.nan
    assert iqm(one_failed) == iqm(np.array([1e12, 2, 3, 4, 5, 6, 7, 8])), "a failed seed counts as the worst score"
    assert iqm(one_failed) > iqm(values)
    assert iqm(many_failed) == math.inf, "more than a quarter failed"
    interval = estimate(many_failed)
    assert (interval.seeds, interval.failed, interval.high) == (8, 3, math.inf)
    assert better_with_probability(values, np.full(8, np.nan)) == 1
    assert better_with_probability(np.full(8, np.nan), np.full(8, np.nan)) == 0.5
    assert is_better(values, np.full(8, np.nan))
    against_failures = contrast("good", values, "bad", np.full(8, np.nan))
    assert against_failures.p < 0.01
    assert against_failures.difference.middle == -math.inf
    both_failed = iqm_difference(np.full(8, np.nan), np.full(8, np.nan))
    assert math.isnan(both_failed.middle)
    assert (both_failed.low, both_failed.high) == (-math.inf, math.inf), "nothing is excluded"


@pytest.mark.parametrize("seeds", range(1, 25))
def test_iqm_is_infinite_if_more_than_a_quarter_failed_and_not_at_a_quarter(seeds: int) -> None:
    for failed in range(seeds + 1):
        values = np.where(np.arange(seeds) < failed, np.nan, 1.0)
        assert math.isinf(iqm(values)) == (failed > seeds / 4)


def test_too_few_seeds_have_no_interval_and_no_winner() -> None:
    few, many = np.arange(4.0), np.arange(100.0, 110)
    assert not estimate(few).has_interval
    assert estimate(np.arange(5.0)).has_interval
    assert winner(few, many) is None
    assert winner(np.arange(5.0), many) == 0
    assert math.isnan(iqm_difference(few, many).low)
    assert MIN_SEEDS == 5
    with pytest.raises(ValueError, match="no seeds"):
        iqm(np.array([]))
    assert math.isnan(mann_whitney(np.array([]), many))


def test_winner_must_also_have_the_better_interquartile_mean() -> None:
    """Better in most pairs of seeds, but with a heap of collapsed seeds: the two measures contradict each other."""
    collapsing = np.concatenate([np.linspace(0, 0.9, 24), np.full(16, 100.0)])
    steady = np.linspace(1, 2, 40)
    assert better_with_probability(collapsing, steady) == 0.6
    assert iqm(collapsing) > iqm(steady)
    assert winner(collapsing, steady) is None
    assert winner(steady) == 0, "of one method"


def test_holm_matches_textbook_values() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.9]) == [1.0, 1.0]
    assert holm([]) == []
    with_gap = holm([math.nan, 0.02])
    assert math.isnan(with_gap[0])
    assert with_gap[1] == 0.02


def test_holm_limits_false_alarms_to_5_percent_of_studies() -> None:
    random, false_alarms = np.random.default_rng(3), 0
    for _ in range(100):
        methods = [random.normal(size=8) for _ in range(4)]
        pairs = corrected([contrast("a", one, "b", other) for one, other in combinations(methods, 2)])
        false_alarms += any(pair.corrected_p < 0.05 for pair in pairs)
    assert false_alarms / 100 < 0.05 + 0.05


def test_seeds_needed_gives_an_even_chance_if_seeds_are_what_they_look_like() -> None:
    random = np.random.default_rng(8)
    decided: list[bool] = []
    while len(decided) < 400:
        one, other, third = random.normal(size=10), random.normal(0.7, 1, 10), random.normal(0.8, 1, 10)
        needed = seeds_needed(one, [other, third])
        if needed is not None and 10 < needed < 60:
            for _ in range(10):
                drawn = [random.choice(values, needed) for values in (one, other, third)]
                decided.append(is_better(drawn[0], drawn[1]) and is_better(drawn[0], drawn[2]))
    assert 0.4 < np.mean(decided) < 0.62


def test_seeds_needed_says_nothing_about_differences_that_may_be_none() -> None:
    random = np.random.default_rng(9)
    numbers = [
        seeds_needed(*(lambda a, b: (a, [b]))(random.normal(size=10), random.normal(size=10))) for _ in range(200)
    ]
    assert np.mean([needed is not None for needed in numbers]) < 0.15, "of one direction: a tenth of studies"
    values = random.normal(size=10)
    assert seeds_needed(values, [values]) is None
    assert seeds_needed(np.array([1.0]), [np.array([2.0])]) is None
    assert seeds_needed(np.arange(4.0), [np.arange(10.0, 14)]) == 5, "wholly apart, with too few seeds for a winner"
    assert seeds_needed(values - 0.7, [values]) == seeds_needed(values[::-1] - 0.7, [values])


def test_profile_counts_failed_seeds() -> None:
    values = np.array([1.0, 2, np.nan, 4])
    assert profile(values, np.array([0.5, 1, 3, 1e9])).tolist() == [0, 0.25, 0.5, 0.75]


def test_as_losses_applies_the_direction_of_the_metric() -> None:
    scores = np.array([0.5, 2.0, np.nan])
    assert as_losses(scores, "lower").tolist()[:2] == [0.5, 2.0]
    assert as_losses(scores, "higher").tolist()[:2] == [-0.5, -2.0]
    assert as_losses(scores, "real", 1.0).tolist()[:2] == [0.5, 1.0]
    assert np.isnan(as_losses(scores, "real", 1.0)[2])
    with pytest.raises(ValueError, match="no direction"):
        as_losses(scores, "up")


def test_interval_does_not_depend_on_earlier_estimates_or_seed_order() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=10)
    first = estimate(values)
    estimate(random.normal(size=30))
    assert estimate(random.permutation(values)) == first
    moved = estimate(2 * values + 3)
    assert (moved.low, moved.high) == pytest.approx((2 * first.low + 3, 2 * first.high + 3))
