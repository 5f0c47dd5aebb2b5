"""Statistics over seeds, compared with independent implementations; rates are checked by simulation."""

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

Distribution = Callable[[np.random.Generator, int], NDArray[np.float64]]

losses = st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=12).map(np.array)


def normal(random: np.random.Generator, n: int) -> NDArray[np.float64]:
    return random.normal(size=n)


def skewed(random: np.random.Generator, n: int) -> NDArray[np.float64]:
    return random.lognormal(0, 0.5, n)


def collapsing(random: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Three in ten seeds collapse: a bimodal distribution."""
    return np.where(random.random(n) < 0.3, random.normal(6, 1, n), random.normal(0, 1, n))


def counted(random: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Modes covered out of eight: integers with many ties."""
    return -random.binomial(8, 0.7, n).astype(float)


@given(losses)
def test_iqm_equals_scipys_trimmed_mean(values: NDArray[np.float64]) -> None:
    assert iqm(values) == pytest.approx(float(stats.trim_mean(values, 0.25)), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("draw", [normal, skewed, collapsing, counted])
@pytest.mark.parametrize("seeds", [8, 10, 20])
def test_95_percent_interval_covers_the_iqm_in_93_to_98_percent_of_studies(draw: Distribution, seeds: int) -> None:
    """With 600 studies, the rate itself is known to within ±1.8 %."""
    random = np.random.default_rng(1)
    truth = iqm(draw(random, 400_000))
    covered = 0
    for _ in range(600):
        interval = estimate(draw(random, seeds))
        covered += interval.low <= truth <= interval.high
    assert 0.93 - 0.018 <= covered / 600 <= 0.98 + 0.01


def test_plain_percentile_bootstrap_undercovers() -> None:
    """The test above can fail: the textbook interval has too low a coverage."""
    random, covered = np.random.default_rng(1), 0
    for _ in range(600):
        values = random.normal(size=8)
        means = values[random.integers(0, 8, (1000, 8))].mean(1)
        low, high = np.quantile(means, [0.025, 0.975])
        covered += low <= 0 <= high
    assert covered / 600 < 0.91


def test_equal_methods_rarely_have_a_winner_and_unequal_ones_usually_do() -> None:
    random, wins, correct = np.random.default_rng(2), 0, 0
    for _ in range(300):
        equal = {name: estimate(random.normal(size=10)) for name in "abc"}
        wins += winner(equal) is not None
        unequal = equal | {"d": estimate(random.normal(-4, 1, 10))}
        correct += winner(unequal) == "d"
    assert wins / 300 < 0.05
    assert correct / 300 > 0.9


def test_holm_limits_false_alarms_to_5_percent_of_studies() -> None:
    random, false_alarms = np.random.default_rng(3), 0
    for _ in range(300):
        methods = {name: dict(enumerate(random.normal(size=10))) for name in "abcd"}
        false_alarms += any(pair.adjusted < 0.05 for pair in contrast_all(methods))
    assert false_alarms / 300 < 0.05 + 0.025


def test_paired_and_unpaired_tests_equal_scipys() -> None:
    random = np.random.default_rng(4)
    one, other = random.normal(size=9), random.normal(0.5, 1, 9)
    (pair,) = contrast_all({"a": dict(enumerate(one)), "b": dict(enumerate(other))})
    assert pair.p == stats.wilcoxon(one, other).pvalue
    assert (pair.paired, pair.adjusted) == (9, pair.p)
    assert pair.difference == pytest.approx(stats.trim_mean(one - other, 0.25))
    assert pair.low < pair.difference < pair.high
    (unpaired,) = contrast_all({"a": dict(enumerate(one)), "b": {seed + 100: v for seed, v in enumerate(other)}})
    assert unpaired.p == stats.mannwhitneyu(one, other).pvalue
    assert unpaired.paired == 0
    assert math.isnan(unpaired.difference)
    u = stats.mannwhitneyu(one, other).statistic
    assert pair.probability == pytest.approx(1 - u / 81), "U counts the pairs in which the first is larger"


@given(losses, losses)
def test_probability_of_being_better_is_antisymmetric(one: NDArray[np.float64], other: NDArray[np.float64]) -> None:
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


def test_holm_matches_textbook_values() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.9]) == [1.0, 1.0]
    assert holm([]) == []
    with_gap = holm([math.nan, 0.02])
    assert math.isnan(with_gap[0])
    assert with_gap[1] == 0.02


def test_seeds_to_decide_is_the_number_at_which_intervals_separate() -> None:
    one = Estimate(10.0, 8.0, 12.0, 10, 0)
    other = Estimate(11.0, 9.0, 13.0, 10, 0)
    assert seeds_to_decide(one, other) == 160, "intervals must shrink to a quarter, which takes sixteen times the seeds"
    assert seeds_to_decide(other, one) == 160
    assert seeds_to_decide(one, Estimate(20.0, 19.0, 21.0, 12, 0)) == 12, "they are already separate"
    assert seeds_to_decide(one, Estimate(10.01, 8.0, 12.0, 10, 0)) is None, "too similar to separate"
    assert seeds_to_decide(one, one) is None
    assert seeds_to_decide(one, Estimate(math.inf, 9.0, math.inf, 10, 4)) is None


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
