"""The verdict in one word: the rules in their order, and what real samples get."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.core.mode_states import ModeState
from ganbench.core.verdict import Measured, Verdict
from ganbench.core.verdict_word import heading, word_of

NAMES = tuple("0123456789")


def verdict(
    good: float = 0.98,
    repeated: float = 0.01,
    covered: float = 0.95,
    copies: float = 0.0,
    states: dict[str, ModeState] | None = None,
) -> Verdict:
    """A verdict beside real data with 98 % good samples, 1 % near-duplicates and 95 % coverage."""
    return Verdict(
        NAMES,
        states or {},
        good=Measured(good, 0.98, 0.002),
        near_duplicates=Measured(repeated, 0.01, 0.002),
        covered=Measured(covered, 0.95, 0.005),
        copies=Measured(copies, 0.0, 0.001),
    )


def points(judged: Verdict) -> Verdict:
    """The same verdict on points, whose modes have places."""
    return replace(judged, displacement=Measured(20.0, 0.1, 0.01))


def lost(count: int) -> dict[str, ModeState]:
    return dict.fromkeys(NAMES[:count], "lost")


@pytest.mark.parametrize(
    ("samples", "judged"),
    [
        ("real samples", verdict()),
        ("half of them blurred", verdict(good=0.5)),
        ("half of each mode", verdict(covered=0.48)),
    ],
    ids=str,
)
def test_good(samples: str, judged: Verdict) -> None:
    assert word_of(judged) == "GOOD", samples


@pytest.mark.parametrize(
    ("samples", "judged"),
    [
        ("most are blurred", verdict(good=0.45)),
        ("little of each mode", verdict(covered=0.4)),
        ("a mode is lost", verdict(states=lost(1))),
        ("a mode is thin", verdict(states={"3": "thin"})),
        ("four of ten modes are lost", verdict(states=lost(4))),
        ("a third are near-duplicates", verdict(repeated=0.33)),
        ("copies of training data", verdict(copies=0.5)),
    ],
    ids=str,
)
def test_partly(samples: str, judged: Verdict) -> None:
    assert word_of(judged) == "PARTLY", samples


@pytest.mark.parametrize(
    ("samples", "judged"),
    [
        ("ten perfect images, a thousand times each", verdict(repeated=1.0, covered=0.004)),
        ("one digit, blurred, again and again", verdict(good=0.0, repeated=0.99, covered=0.004, states=lost(9))),
        ("five of ten modes, varied and sharp", verdict(states=lost(5))),
        ("points in one place, beside its mode", points(verdict(good=0.0, covered=0.0, states=lost(9)))),
        ("good vectors of unknown modes in a corner", replace(verdict(covered=0.23), states=None)),
        ("points beside five of ten modes", points(verdict(good=0.01, covered=0.02, states=lost(5)))),
    ],
    ids=str,
)
def test_collapsed(samples: str, judged: Verdict) -> None:
    assert word_of(judged) == "COLLAPSED", samples


@pytest.mark.parametrize(
    ("samples", "judged"),
    [
        ("the same noise from an untrained network", verdict(good=0.0, repeated=1.0, covered=0.0, states=lost(9))),
        ("varied blur that looks like few digits", verdict(good=0.0, repeated=0.1, covered=0.006, states=lost(7))),
        ("all modes appear, hardly a sample is good", verdict(good=0.04, covered=0.1)),
    ],
    ids=str,
)
def test_not_learned_yet(samples: str, judged: Verdict) -> None:
    assert word_of(judged) == "NOT LEARNED YET", samples


def test_no_word_without_measurements() -> None:
    counts_alone = Verdict(NAMES, lost(9))
    assert word_of(counts_alone) is None
    assert heading(word_of(counts_alone)) == heading(None) == ""
    assert heading(word_of(verdict())) == "GOOD: "


@given(*(st.floats(0, 1) for _ in range(4)), st.integers(0, 10))
def test_good_has_no_lost_mode_and_is_half_good_at_least(
    good: float, repeated: float, covered: float, copies: float, lost_modes: int
) -> None:
    judged = verdict(good, repeated, covered, copies, lost(lost_modes))
    if word_of(judged) == "GOOD":
        assert lost_modes == 0
        assert min(good, covered) >= 0.47
        assert repeated < 0.2
        assert copies <= 0.05
