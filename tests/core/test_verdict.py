"""The verdict: which modes are lost, thin or not sharp, and what each clause says."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ganbench.core.mode_states import ModeState, crowded_modes, mode_states
from ganbench.core.verdict import Measured, Verdict

NAMES = ("0", "1", "2", "3")
EVEN = dict.fromkeys(NAMES, 0.25)
REAL = Measured(0.989, 0.989, 0.002)


def states(shares: tuple[float, ...], good: tuple[float, ...] | None = None, samples: int = 10_000) -> dict[str, str]:
    by_name = dict(zip(NAMES, shares, strict=True))
    good_by_name = by_name if good is None else dict(zip(NAMES, good, strict=True))
    return dict(mode_states(by_name, good_by_name, EVEN, samples))


@pytest.mark.parametrize(
    ("share", "state"),
    [(0.25, None), (0.126, None), (0.12, "thin"), (0.026, "thin"), (0.024, "lost"), (0.0, "lost")],
)
def test_mode_is_lost_below_a_tenth_of_its_fair_share_and_thin_below_half(share: float, state: str | None) -> None:
    rest = (1 - share) / 3
    assert states((share, rest, rest, rest)) == ({} if state is None else {"0": state})


def test_blob_beside_its_centre_is_not_sharp_and_not_lost() -> None:
    assert states((0.25, 0.25, 0.25, 0.25), (0.0, 0.25, 0.25, 0.25)) == {"0": "not sharp"}


def test_lost_mode_is_not_called_blurred_as_well() -> None:
    assert states((0.0, 0.4, 0.3, 0.3), (0.0, 0.0, 0.3, 0.3)) == {"0": "lost", "1": "not sharp"}


def test_rare_mode_is_measured_by_its_own_share() -> None:
    fair = {"rare": 0.01, "frequent": 0.99}
    assert mode_states(fair, fair, fair, 50_000) == {}
    few = {"rare": 0.004, "frequent": 0.996}
    assert mode_states(few, few, fair, 50_000) == {"rare": "thin"}


def test_nothing_is_lost_where_chance_explains_it() -> None:
    fair = {str(mode): 0.001 for mode in range(1000)}
    missing = fair | {"0": 0.0}
    assert mode_states(missing, fair, fair, 5_000) == {}
    assert mode_states(missing, fair, fair, 26_000) == {"0": "lost"}


@given(st.lists(st.floats(0.01, 1), min_size=4, max_size=4), st.integers(500, 100_000))
def test_samples_in_fair_shares_have_no_bad_mode(weights: list[float], samples: int) -> None:
    fair = {name: weight / sum(weights) for name, weight in zip(NAMES, weights, strict=True)}
    assert mode_states(fair, fair, fair, samples) == {}


def test_one_mode_of_many_that_comes_twice_as_often_is_crowded() -> None:
    """It is a fortieth of the samples too many: less than all shares together show by chance."""
    fair = {str(mode): 1 / 40 for mode in range(40)}
    doubled = {name: (2 if name == "7" else 1) / 41 for name in fair}
    assert crowded_modes(doubled, fair, 2_000) == ("7",)
    assert crowded_modes(doubled, fair, 500) == (), "chance, in 12 samples of each"
    assert crowded_modes(fair, fair, 2_000) == ()
    verdict = Verdict(list(fair), {}, misplaced=Measured(0.07, 0.065, 0.006), crowded=("7",))
    assert verdict.faults == {"uneven"}
    assert verdict.clauses() == ["all 40 modes appear", "7 has more than 1.5 times the fair share of samples"]
    of_few = Verdict(NAMES, {"0": "lost"}, misplaced=Measured(0.07, 0.065, 0.006), crowded=("1",))
    assert of_few.faults == {"lost modes"}, "where modes are lost, others have their samples"


def test_fair_samples_crowd_no_mode() -> None:
    random, fair = np.random.default_rng(0), {str(mode): 1 / 40 for mode in range(40)}
    for counts in random.multinomial(2_000, list(fair.values()), size=2_000):
        assert crowded_modes(dict(zip(fair, counts / 2_000, strict=True)), fair, 2_000) == ()


def test_ten_repeated_images_are_not_praised() -> None:
    verdict = Verdict(
        NAMES,
        {},
        good=Measured(1.0, 0.989, 0.002),
        near_duplicates=Measured(1.0, 0.01, 0.002),
        different=Measured(10, 200_000, 10_000),
        covered=Measured(0.004, 0.97, 0.003),
    )
    assert verdict.faults == {"repeated", "uncovered"}
    assert verdict.clauses("digits") == [
        "100.0% of samples are good (real data: 98.9%)",
        "all 4 digits appear",
        "100.0% are near-duplicates of others (real data: 1.0%), as of about 10 different ones",
        "they cover 0.4% of real data (real data: 97.0%)",
    ]


def test_real_data_are_accused_of_nothing() -> None:
    verdict = Verdict(
        NAMES, {}, REAL, near_duplicates=Measured(0.012, 0.01, 0.002), covered=Measured(0.968, 0.97, 0.003)
    )
    assert not verdict.faults
    assert verdict.clauses()[-1] == "they vary like real data"


def test_each_state_of_a_mode_is_named() -> None:
    verdict = Verdict(NAMES, {"0": "lost", "1": "thin", "2": "not sharp"})
    assert verdict.clauses("digits") == ["3 of 4 digits appear, 0 is missing, 1 is thin, 2 is not sharp"]
    assert Verdict(NAMES, dict.fromkeys(NAMES[1:], "lost")).clauses() == ["only 1 of 4 modes appears (0)"]
    assert Verdict(NAMES, {"1": "thin", "2": "not sharp"}).clauses() == [
        "all 4 modes appear, but 1 is thin, 2 is not sharp"
    ]
    assert Verdict(NAMES, {"1": "not sharp"}).clauses() == ["all 4 modes appear, but 1 is not sharp"]
    assert Verdict(NAMES, dict.fromkeys(NAMES, "not sharp")).clauses() == [
        "all 4 modes appear, but none of them is sharp"
    ]


def test_what_was_not_measured_is_not_said() -> None:
    assert Verdict(NAMES, None).clauses() == []
    assert not Verdict(NAMES, None).faults


def test_uneven_shares_are_said_even_where_modes_are_too_many_to_name() -> None:
    assert Verdict(NAMES, None, misplaced=Measured(0.3, 0.02, 0.003)).clauses() == [
        "30.0% of samples are in modes that have too many (real data: 2.0%)"
    ]


def test_sharp_modes_off_their_places_are_displaced() -> None:
    moved = Verdict(NAMES, {}, good=REAL, displacement=Measured(0.52, 0.11, 0.01))
    assert moved.faults == {"displaced"}
    assert moved.clauses() == [
        "98.9% of samples are good (real data: 98.9%)",
        "modes lie 0.52 sd off their places (real data: 0.11)",
        "all 4 modes appear",
    ]
    assert not Verdict(NAMES, {}, good=REAL, displacement=Measured(0.2, 0.11, 0.01)).faults


def test_modes_that_are_not_sharp_are_not_called_displaced_too() -> None:
    blurred = Measured(0.5, 0.989, 0.002)
    assert Verdict(NAMES, {}, good=blurred, displacement=Measured(2, 0.11, 0.01)).faults == {"not sharp"}


def test_real_data_is_uncovered_only_where_a_twentieth_is_missing() -> None:
    """Coverage of the grid by 2,000 real points fell .026 below its mean, 6.7 deviations, in one of 1,200 sets."""
    assert not Verdict(NAMES, {}, covered=Measured(0.94, 0.966, 0.0039)).faults
    assert Verdict(NAMES, {}, covered=Measured(0.9, 0.966, 0.0039)).faults == {"uncovered"}


def test_shares_are_uneven_only_where_a_twentieth_of_the_samples_is_misplaced() -> None:
    """One of 300 sets of 2,000 real points was beyond five deviations, as the deviation is that of 16 sets."""
    assert not Verdict(NAMES, None, misplaced=Measured(0.053, 0.02, 0.004)).faults
    assert not Verdict(NAMES, None, misplaced=Measured(0.06, 0.04, 0.002)).faults
    assert Verdict(NAMES, None, misplaced=Measured(0.06, 0.02, 0.004)).faults == {"uneven"}
    assert not Verdict(NAMES, None, misplaced=Measured(0.06, 0.02, 0.01)).faults


def test_one_of_ten_modes_twice_as_often_is_uneven_and_even_draws_are_not() -> None:
    random = np.random.default_rng(0)
    fair, doubled = np.full(10, 0.1), np.array([2, *[1] * 9]) / 11

    def surplus(probabilities: NDArray[np.float64]) -> float:
        return float((random.multinomial(2_000, probabilities) / 2_000 - fair).clip(min=0).sum())

    chance = [surplus(fair) for _ in range(1_000)]
    real, sd = float(np.mean(chance)), float(np.std(chance))
    for probabilities, uneven in ((fair, 0), (doubled, 300)):
        measured = (Measured(surplus(probabilities), real, sd) for _ in range(300))
        faults = [Verdict(NAMES, None, misplaced=of_one).faults for of_one in measured]
        assert abs(faults.count(frozenset({"uneven"})) - uneven) <= 1  # .2 % of the doubled ones are within chance


def test_narrow_modes_alone_are_no_repetition() -> None:
    narrow = Measured(0.5, 1.0, 0.01)
    assert Verdict(NAMES, {}, near_duplicates=Measured(0.06, 0.01, 0.002), width=narrow).faults == {"narrow"}
    assert Verdict(NAMES, {}, near_duplicates=Measured(0.5, 0.01, 0.002), width=narrow).faults == {"narrow", "repeated"}


def test_few_copies_are_no_copying() -> None:
    assert not Verdict(NAMES, {}, copies=Measured(0.04, 0.01, 0.002)).faults
    assert Verdict(NAMES, {}, copies=Measured(0.3, 0.01, 0.002)).faults == {"copied"}


def test_verdict_is_plain_json() -> None:
    plain = json.loads(json.dumps(Verdict(NAMES, {"0": "lost"}, good=REAL).to_dict(), allow_nan=False))
    assert plain["faults"] == ["lost modes"]
    assert plain["good"] == {"value": 0.989, "real": 0.989, "sd": 0.002}


def test_crowding_in_few_modes_is_no_repetition() -> None:
    """With all samples in one mode of four, each has four times as many neighbours: 1 − .986⁴ = 5 %, and some more."""
    lost: dict[str, ModeState] = dict.fromkeys(NAMES[1:], "lost")
    crowded, repeated = (Measured(value, 0.014, 0.004) for value in (0.12, 0.9))
    assert "repeated" not in Verdict(NAMES, lost, near_duplicates=crowded).faults
    assert "repeated" in Verdict(NAMES, lost, near_duplicates=repeated).faults
    assert "repeated" in Verdict(NAMES, {}, near_duplicates=crowded).faults


def test_a_repeated_image_that_resembles_a_training_image_is_no_copying() -> None:
    near = Measured(1.0, 0.01, 0.002)
    by_chance, copied = (Measured(value, 0.01, 0.002) for value in (0.1, 0.5))
    assert Verdict(NAMES, {}, near_duplicates=near, copies=by_chance).faults == {"repeated"}
    assert Verdict(NAMES, {}, near_duplicates=near, copies=copied).faults == {"repeated", "copied"}
    assert Verdict(NAMES, {}, copies=by_chance).faults == {"copied"}


def test_samples_are_not_sharp_only_if_the_loss_matters() -> None:
    assert Verdict(NAMES, {}, good=Measured(0.95, 0.98, 0.001)).faults == frozenset()
    assert Verdict(NAMES, {}, good=Measured(0.92, 0.98, 0.001)).faults == {"not sharp"}


@pytest.mark.parametrize(
    ("value", "direction", "standing"),
    [
        (1.04, "lower", "as real"),
        (1.06, "lower", "worse"),
        (0.94, "lower", "better"),
        (1.06, "higher", "better"),
        (0.94, "higher", "worse"),
        (0.94, "real", "unlike real"),
        (math.nan, "lower", None),
    ],
)
def test_standing_beside_real_samples_is_beyond_five_deviations(
    value: float, direction: str, standing: str | None
) -> None:
    assert Measured(value, 1.0, 0.01).standing(direction) == standing
    assert Measured(value, 1.0, math.nan).standing(direction) is None
