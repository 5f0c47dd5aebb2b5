"""The exact test of counts in strata against Fisher's test and an enumeration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from ganbench.results.inference.counts import exact_in_strata


@pytest.mark.parametrize(("own", "other"), [(0, 6), (2, 5), (7, 7), (0, 0), (3, 3), (6, 1)])
def test_in_one_stratum_it_is_fishers_test(own: int, other: int) -> None:
    for sizes in ((7, 7), (10, 7)):
        expected = stats.fisher_exact(np.array([[own, sizes[0] - own], [other, sizes[1] - other]])).pvalue
        assert exact_in_strata([((own, sizes[0]), (other, sizes[1]))]) == pytest.approx(expected)


def test_in_two_strata_it_counts_all_ways_to_deal_what_happened() -> None:
    strata = [((1, 3), (2, 3)), ((0, 3), (3, 3))]
    sums = [
        sum(first) + sum(second)
        for first in _hands(happened=3, runs=6, own=3)
        for second in _hands(happened=3, runs=6, own=3)
    ]
    likely = {value: sums.count(value) for value in sums}
    expected = sum(count for count in likely.values() if count <= likely[1]) / len(sums)
    assert exact_in_strata(strata) == pytest.approx(expected)


def _hands(happened: int, runs: int, own: int) -> list[tuple[int, ...]]:
    """All choices of the first kind's runs among those to which a thing happened and those to which it did not."""
    return list(itertools.combinations([1] * happened + [0] * (runs - happened), own))


def test_a_stratum_where_nothing_happened_changes_nothing() -> None:
    alone = exact_in_strata([((0, 7), (6, 7))])
    assert exact_in_strata([((0, 7), (6, 7)), ((0, 7), (0, 7))]) == pytest.approx(alone)


def test_it_raises_no_more_false_alarms_than_it_says() -> None:
    generator = np.random.default_rng(0)
    alarms = sum(
        exact_in_strata([((int(a), 7), (int(b), 7)) for a, b in generator.binomial(7, (0.2, 0.6), (2, 2)).T]) <= 0.05
        for _ in range(1000)
    )
    assert alarms <= 50
