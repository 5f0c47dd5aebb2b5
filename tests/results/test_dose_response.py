"""Laws of the dose–response curve, and simulations of what its interval covers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, special

from ganbench.results.inference.dose_response import dose_response

DOSES = np.array([1.0, 2.0, 3.0, 5.0, 8.0])


def runs(collapsed: list[int], of: int = 7) -> tuple[np.ndarray, np.ndarray]:
    hits = np.concatenate([np.arange(of) < count for count in collapsed])
    return np.repeat(DOSES[: len(collapsed)], of), hits.astype(float)


def test_it_is_the_maximum_of_the_likelihood() -> None:
    doses, hits = runs([0, 2, 3, 6, 7])

    def loss(parameters: np.ndarray) -> float:
        odds = parameters[0] + parameters[1] * np.log(doses)
        return -float((hits * special.log_expit(odds) + (1 - hits) * special.log_expit(-odds)).sum())

    offset, slope = optimize.minimize(loss, np.array([0.0, 1.0])).x
    fitted = dose_response(doses, hits)
    assert fitted.half.middle == pytest.approx(math.exp(-offset / slope), rel=0.01)
    assert fitted.slope == pytest.approx(slope, rel=0.05)
    assert fitted.runs == (7,) * 5
    assert fitted.collapsed == (0, 2, 3, 6, 7)


def test_the_interval_is_where_the_likelihood_ratio_is_not_rejected() -> None:
    doses, hits = runs([0, 2, 3, 6, 7])

    def best(half: float) -> float:
        def loss(log_slope: float) -> float:
            odds = math.exp(log_slope) * (np.log(doses) - half)
            return -float((hits * special.log_expit(odds) + (1 - hits) * special.log_expit(-odds)).sum())

        return -float(optimize.minimize_scalar(loss, bounds=(-3, 6), method="bounded").fun)

    fitted = dose_response(doses, hits)
    top = best(math.log(fitted.half.middle))
    for end in (fitted.half.low, fitted.half.high):
        assert 2 * (top - best(math.log(end))) == pytest.approx(4.14, abs=0.15)


def test_one_dose_that_parts_all_runs_bounds_it_between_its_neighbours() -> None:
    fitted = dose_response(*runs([0, 0, 0, 7, 7]))
    assert fitted.half.middle == pytest.approx(math.sqrt(15), rel=0.02)
    assert fitted.half.low < 3.05
    assert fitted.half.high > 4.9
    assert fitted.half.high - fitted.half.low < 3
    assert fitted.slope == math.inf


def test_without_a_collapse_it_lies_above_the_highest_dose() -> None:
    fitted = dose_response(*runs([0, 0, 0, 0, 0]))
    assert fitted.half.middle == fitted.half.high == math.inf
    assert fitted.half.low > 5
    assert (fitted.probability(DOSES) == 0).all()


def test_if_all_collapse_it_lies_below_the_lowest_dose() -> None:
    fitted = dose_response(*runs([7, 7, 7, 7, 7]))
    assert fitted.half.middle == fitted.half.low == 0
    assert fitted.half.high < 1.6
    assert (fitted.probability(DOSES) == 1).all()


@pytest.mark.parametrize("collapsed", [[3, 3, 3, 3, 3], [6, 5, 3, 2, 1]])
def test_a_dose_that_does_no_harm_has_none(collapsed: list[int]) -> None:
    fitted = dose_response(*runs(collapsed))
    assert math.isnan(fitted.half.middle)
    assert np.isnan(fitted.probability(DOSES)).all()


def test_units_of_the_dose_do_not_matter() -> None:
    doses, hits = runs([0, 1, 4, 5, 7])
    one, other = dose_response(doses, hits), dose_response(100 * doses, hits)
    assert np.allclose(np.array(other.half), 100 * np.array(one.half))
    assert other.slope == one.slope


def test_the_curve_passes_through_half_at_the_half_effect_dose() -> None:
    fitted = dose_response(*runs([0, 1, 4, 5, 7]))
    assert fitted.probability(np.array([fitted.half.middle]))[0] == pytest.approx(0.5)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    half, slope, covered, times = 3.0, 4.0, 0, 400
    doses = np.repeat(DOSES, 7)
    for _ in range(times):
        hits = random.random(len(doses)) < special.expit(slope * np.log(doses / half))
        _, low, high = dose_response(doses, hits.astype(float)).half
        covered += low <= half <= high
    assert 0.92 <= covered / times <= 0.985


@pytest.mark.parametrize(("doses", "words"), [([0.0, 1.0], "above 0"), ([2.0, 2.0], "at least two doses")])
def test_doses_that_make_no_curve_are_refused(doses: list[float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        dose_response(np.array(doses), np.array([0.0, 1.0]))


@pytest.mark.parametrize(
    ("collapsed", "gap"),
    [
        ([0, 0, 0, 7], (3, 5)),
        ([0, 0, 0, 6], (3, 5)),
        ([0, 0, 2, 7], (3, 5)),
        ([0, 0, 5, 7], (2, 3)),
        ([0, 0, 0, 2], (5, math.inf)),
        ([5, 7, 7, 7], (0, 1)),
        ([0, 1, 6, 7], None),
        ([0, 3, 0, 7], None),
    ],
)
def test_runs_that_any_steep_curve_fits_say_only_the_gap(collapsed: list[int], gap: tuple[float, float] | None) -> None:
    fitted = dose_response(*runs(collapsed))
    assert fitted.gap == gap


@pytest.mark.parametrize("collapsed", [[0, 0, 0, 6], [0, 1, 4, 7], [0, 0, 2, 7]])
def test_the_ends_of_the_interval_lie_between_places_of_the_grid(
    collapsed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    coarse = dose_response(*runs(collapsed)).half
    monkeypatch.setattr(f"{dose_response.__module__}.DOSES", 24_001)
    fine = dose_response(*runs(collapsed)).half
    assert coarse.low == pytest.approx(fine.low, rel=2e-3)
    assert coarse.high == pytest.approx(fine.high, rel=2e-3)
