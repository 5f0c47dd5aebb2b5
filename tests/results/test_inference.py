"""Statistics over seeds: against independent oracles, and by simulation where they promise a rate."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from ganbench.results.inference import (
    Estimate,
    as_losses,
    better_with_probability,
    contrast_all,
    estimate,
    holm,
    iqm,
    profile,
    seeds_to_decide,
    winner,
)

Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]

losses = st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=12).map(np.array)


def normal(random: np.random.Generator, n: int) -> NDArray[np.float64]:
    return random.normal(size=n)


def skewed(random: np.random.Generator, n: int) -> NDArray[np.float64]:
    return random.lognormal(0, 0.5, n)


def collapsing(random: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Three in ten seeds collapse: two heaps."""
    return np.where(random.random(n) < 0.3, random.normal(6, 1, n), random.normal(0, 1, n))


def counted(random: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Modes of eight: whole numbers, with many ties."""
    return -random.binomial(8, 0.7, n).astype(float)


@given(losses)
def test_the_interquartile_mean_is_scipys_trimmed_mean(values: NDArray[np.float64]) -> None:
    assert iqm(values) == pytest.approx(float(stats.trim_mean(values, 0.25)), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("draw", [normal, skewed, collapsing, counted])
@pytest.mark.parametrize("seeds", [8, 10, 20])
def test_a_95_per_cent_interval_covers_the_middle_in_93_to_98_of_100_studies(draw: Draw, seeds: int) -> None:
    """Of 600 studies; with this many, the rate itself is known to ±1.8 %."""
    random = np.random.default_rng(1)
    truth = iqm(draw(random, 400_000))
    covered = 0
    for _ in range(600):
        found = estimate(draw(random, seeds))
        covered += found.low <= truth <= found.high
    assert 0.93 - 0.018 <= covered / 600 <= 0.98 + 0.01


def test_plain_percentiles_would_not() -> None:
    """So the test above can fail: the interval of the textbook covers too little."""
    random, covered = np.random.default_rng(1), 0
    for _ in range(600):
        values = random.normal(size=8)
        middles = values[random.integers(0, 8, (1000, 8))].mean(1)
        low, high = np.quantile(middles, [0.025, 0.975])
        covered += low <= 0 <= high
    assert covered / 600 < 0.91


def test_equal_methods_have_a_winner_in_less_than_5_of_100_studies_and_unlike_ones_mostly_do() -> None:
    random, wins, right = np.random.default_rng(2), 0, 0
    for _ in range(300):
        equal = {name: estimate(random.normal(size=10)) for name in "abc"}
        wins += winner(equal) is not None
        unlike = equal | {"d": estimate(random.normal(-4, 1, 10))}
        right += winner(unlike) == "d"
    assert wins / 300 < 0.05
    assert right / 300 > 0.9


def test_equal_methods_differ_significantly_in_5_of_100_studies_at_most_after_holm() -> None:
    random, alarms = np.random.default_rng(3), 0
    for _ in range(300):
        methods = {name: dict(enumerate(random.normal(size=10))) for name in "abcd"}
        alarms += any(pair.adjusted < 0.05 for pair in contrast_all(methods))
    assert alarms / 300 < 0.05 + 0.025


def test_tests_are_scipys() -> None:
    random = np.random.default_rng(4)
    one, other = random.normal(size=9), random.normal(0.5, 1, 9)
    (pair,) = contrast_all({"a": dict(enumerate(one)), "b": dict(enumerate(other))})
    assert pair.p == stats.wilcoxon(one, other).pvalue
    assert (pair.paired, pair.adjusted) == (9, pair.p)
    assert pair.difference == pytest.approx(stats.trim_mean(one - other, 0.25))
    assert pair.low < pair.difference < pair.high
    (apart,) = contrast_all({"a": dict(enumerate(one)), "b": {seed + 100: v for seed, v in enumerate(other)}})
    assert apart.p == stats.mannwhitneyu(one, other).pvalue
    assert apart.paired == 0
    assert math.isnan(apart.difference)
    u = stats.mannwhitneyu(one, other).statistic
    assert pair.probability == pytest.approx(1 - u / 81), "U counts the pairs in which the first is larger"


@given(losses, losses)
def test_the_probability_of_being_better_is_antisymmetric(one: NDArray[np.float64], other: NDArray[np.float64]) -> None:
    assert better_with_probability(one, other) == pytest.approx(1 - better_with_probability(other, one))
    assert better_with_probability(one, one) == 0.5
    assert better_with_probability(one - 1e7, other) == 1


def test_a_failed_seed_is_worse_than_any_score_and_never_left_out() -> None:
    values = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
    one_failed, many_failed = values.copy(), values.copy()
    one_failed[0] = np.nan
    many_failed[:3] = np.nan
    assert iqm(one_failed) == iqm(np.array([1e12, 2, 3, 4, 5, 6, 7, 8])), "as if it had the worst of all scores"
    assert iqm(one_failed) > iqm(values)
    assert iqm(many_failed) == math.inf, "more than a quarter failed"
    found = estimate(many_failed)
    assert (found.seeds, found.failed, found.high) == (8, 3, math.inf)
    assert better_with_probability(values, np.full(8, np.nan)) == 1
    assert better_with_probability(np.full(8, np.nan), np.full(8, np.nan)) == 0.5
    methods = {"good": dict(enumerate(values)), "bad": dict.fromkeys(range(8), math.nan)}
    (pair,) = contrast_all(methods)
    assert pair.p < 0.01
    assert pair.difference == -math.inf


def test_too_few_seeds_have_no_interval_and_no_winner() -> None:
    few, many = estimate(np.arange(5.0)), estimate(np.arange(100.0, 110))
    assert not few.has_interval
    assert winner({"few": few, "many": many}) is None
    assert seeds_to_decide(few, many) is None
    assert winner({"many": many}) is None
    with pytest.raises(ValueError, match="no seeds"):
        iqm(np.array([]))


def test_holm_is_the_textbooks() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.9]) == [1.0, 1.0]
    assert holm([]) == []
    with_gap = holm([math.nan, 0.02])
    assert math.isnan(with_gap[0])
    assert with_gap[1] == 0.02


def test_the_number_of_seeds_that_would_decide_does() -> None:
    one = Estimate(10.0, 8.0, 12.0, 10, 0)
    other = Estimate(11.0, 9.0, 13.0, 10, 0)
    assert seeds_to_decide(one, other) == 160, "intervals must shrink to a quarter: sixteen times the seeds"
    assert seeds_to_decide(other, one) == 160
    assert seeds_to_decide(one, Estimate(20.0, 19.0, 21.0, 12, 0)) == 12, "they are apart already"
    assert seeds_to_decide(one, Estimate(10.01, 8.0, 12.0, 10, 0)) is None, "as good as equal"
    assert seeds_to_decide(one, one) is None
    assert seeds_to_decide(one, Estimate(math.inf, 9.0, math.inf, 10, 4)) is None


def test_profiles_count_every_seed() -> None:
    values = np.array([1.0, 2, np.nan, 4])
    assert profile(values, np.array([0.5, 1, 3, 1e9])).tolist() == [0, 0.25, 0.5, 0.75]


def test_directions() -> None:
    scores = np.array([0.5, 2.0, np.nan])
    assert as_losses(scores, "lower").tolist()[:2] == [0.5, 2.0]
    assert as_losses(scores, "higher").tolist()[:2] == [-0.5, -2.0]
    assert as_losses(scores, "real", 1.0).tolist()[:2] == [0.5, 1.0]
    assert np.isnan(as_losses(scores, "real", 1.0)[2])
    with pytest.raises(ValueError, match="no direction"):
        as_losses(scores, "up")


def test_an_interval_depends_on_its_seeds_alone_not_on_what_was_estimated_before() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=10)
    first = estimate(values)
    estimate(random.normal(size=30))
    assert estimate(random.permutation(values)) == first
    moved = estimate(2 * values + 3)
    assert (moved.low, moved.high) == pytest.approx((2 * first.low + 3, 2 * first.high + 3))
