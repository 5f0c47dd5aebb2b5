"""The collapse detector on histories whose events are known."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench.data.ring import Ring
from ganbench.evaluation.collapse_detector import (
    EVENT_KINDS,
    Event,
    Observation,
    RealBaseline,
    SampleSummary,
    baseline_of,
    collapsed_for,
    detect,
    modes_by_chance,
    modes_present,
)
from ganbench.evaluation.protocols.ganbench_1 import Ganbench1
from ganbench.evaluation.scorer import Scorer

N = 2_000
GOOD, WIDTH_SD, NEAR, NEAR_SD = 0.989, 0.01, 0.01, 0.003
STEPS = 10_000
NAMES = tuple("abcdefgh")
FULL = (247,) * 8
NOTHING = (0,) * 8


def noise_at(samples: int, weights: Sequence[float]) -> RealBaseline:
    """Noise like that of real samples; the share of good ones is binomial."""
    spread = math.sqrt(GOOD * (1 - GOOD) / samples)
    real = {"good": GOOD, "good-sd": spread, "width": 1.0, "width-sd": WIDTH_SD}
    return baseline_of(samples, weights, real | {"duplicates": NEAR, "duplicates-sd": NEAR_SD})


EIGHT = noise_at(N, [1 / 8] * 8)


def look(
    step: int,
    counts: Sequence[int] = FULL,
    *,
    width: float = 1.0,
    duplicates: float = NEAR,
    critic: tuple[float, float] | None = None,
) -> Observation:
    return Observation(step, SampleSummary(N, tuple(counts), width, duplicates), critic)


def without(*modes: int) -> tuple[int, ...]:
    """Good samples of a generator that lacks these modes, the others sharing what they had."""
    return tuple(0 if mode in modes else 8 * 247 // (8 - len(modes)) for mode in range(8))


def events_of(looks: Sequence[Observation], steps: int = STEPS) -> list[tuple[int, str]]:
    return [(event.step, event.kind) for event in detect(looks, EIGHT, steps, NAMES)]


def real_run(
    random: np.random.Generator, weights: np.ndarray[Any, Any], samples: int, times: int = 20
) -> list[Observation]:
    """Looks at a sampler of real data: everything varies by chance alone."""
    looks = []
    for time in range(times):
        counts = random.multinomial(samples, np.append(weights * GOOD, 1 - GOOD))[:-1]
        width, near = random.normal(1, WIDTH_SD), max(0.0, random.normal(NEAR, NEAR_SD))
        looks.append(Observation(100 * time, SampleSummary(samples, tuple(counts.tolist()), width, near), (0.5, 0.5)))
    return looks


def power_law(modes: int, power: float) -> list[float]:
    weights = [(mode + 1) ** -power for mode in range(modes)]
    return [weight / sum(weights) for weight in weights]


# Real data


@pytest.mark.parametrize(
    ("weights", "samples", "runs"),
    [
        (power_law(8, 0), 2_000, 400),
        (power_law(25, 0), 2_000, 300),
        (power_law(8, 1), 2_000, 400),
        (power_law(8, 1), 500, 400),
        (power_law(8, 2), 600, 400),
        (power_law(8, 2.5), 2_000, 400),
        (power_law(8, 3), 2_000, 400),
        (power_law(1000, 0), 2_000, 100),
    ],
    ids=["ring", "grid", "rare", "rare-at-500", "power-2-at-600", "power-2.5", "power-3", "thousand"],
)
def test_real_samples_raise_no_alarm(weights: list[float], samples: int, runs: int) -> None:
    """Below 1 % of runs of 20 looks, whatever a mode should hold: many samples, or so few that it may be missed."""
    noise, random = noise_at(samples, weights), np.random.default_rng(0)
    names = [str(mode) for mode in range(len(weights))]
    histories = (real_run(random, np.array(weights), samples) for _ in range(runs))
    assert sum(bool(detect(looks, noise, 2_000, names)) for looks in histories) / runs < 0.01


def test_the_exact_sampler_of_the_ring_raises_no_alarm() -> None:
    """Real sights of real points, with the noise that the scorer finds: not a model of them."""
    ring = Ring(points=1_000)
    device = torch.device("cpu")
    data = ring.load(device)
    scorer = Scorer(Ganbench1().case(ring), ring, data, ring.evaluator(device))
    sights = [scorer.summarize(scorer.evaluator(data.floor_samples(1_000, draw))) for draw in range(1_000, 1_100)]
    noise = scorer.baseline(1_000)
    for run in (sights[start : start + 20] for start in range(0, 100, 20)):
        looks = [Observation(100 * time, sight) for time, sight in enumerate(run)]
        assert detect(looks, noise, 2_000, data.mode_names) == []


# Missing modes


def test_a_lost_mode_is_an_event_with_its_name_and_its_share() -> None:
    (event,) = detect([look(100), look(200), look(300, without(3)), look(400, without(3))], EIGHT, STEPS, NAMES)
    assert (event.step, event.kind) == (300, "missing-modes")
    assert event.severity == pytest.approx(1 / 8)
    assert event.words == "7 of 8 modes are left; lost: d"


def test_a_mode_with_a_stray_sample_is_lost_too() -> None:
    counts = [*without(7)[:7], EIGHT.least[7] - 1]
    assert modes_present(look(1, counts).summary, EIGHT) == [True] * 7 + [False]
    assert events_of([look(100), look(200, counts)]) == [(200, "missing-modes")]
    counts[7] += 1
    assert events_of([look(100), look(200, counts)]) == []


def test_a_regained_mode_is_a_recovery() -> None:
    looks = [look(100), look(200, without(3)), look(300), look(400), look(500, without(1, 2))]
    assert events_of(looks) == [(200, "missing-modes"), (300, "recovery"), (500, "missing-modes")]


def test_total_collapse_has_severity_near_one() -> None:
    (event,) = detect([look(100), look(200, without(*range(1, 8)))], EIGHT, STEPS, NAMES)
    assert event.severity == pytest.approx(7 / 8)
    assert "lost: b, c, d, e, f, g, h" in event.words


def test_what_was_never_reached_is_an_event_at_half_of_the_budget() -> None:
    looks = [look(step, without(5, 6, 7)) for step in range(100, 1_001, 100)]
    (event,) = detect(looks, EIGHT, 1_000, NAMES)
    assert (event.step, event.kind) == (500, "missing-modes")
    assert event.severity == pytest.approx(3 / 8)
    assert event.words == "only 5 of 8 modes by half of the budget"


def test_a_generator_that_gains_modes_one_by_one_has_lost_nothing() -> None:
    looks = [look(100 * found, without(*range(found, 8))) for found in range(1, 9)]
    assert events_of(looks) == []


def test_a_generator_that_first_hit_nothing_and_then_gains_modes_has_lost_nothing() -> None:
    """Without a good sample nothing can be said about modes: that look was not a sound one."""
    looks = [look(100, NOTHING, width=math.nan), look(200, without(4, 5, 6, 7)), look(300)]
    assert (200, "missing-modes") not in events_of(looks)


def test_a_mode_lost_on_the_way_up_is_an_event() -> None:
    looks = [look(100, without(2, 3, 4, 5)), look(200, without(5)), look(300, without(4, 5))]
    (event,) = detect(looks, EIGHT, STEPS, NAMES)
    assert (event.step, event.kind) == (300, "missing-modes")
    assert event.words == "6 of 8 modes are left; lost: e"


def test_a_collapsed_generator_that_leaves_its_last_mode_has_not_recovered() -> None:
    """Lacking good samples excuses missing modes, but finds none again."""
    looks = [look(100), look(200, without(*range(1, 8))), look(300, NOTHING, width=math.nan)]
    assert (300, "recovery") not in events_of(looks)


def test_few_good_samples_that_are_spread_as_in_real_data_lack_no_mode() -> None:
    """A young generator: few samples are good yet, and their width is known the less well. Below 1 % of runs."""
    random, alarms, runs = np.random.default_rng(0), 0, 500
    for _ in range(runs):
        looks = []
        for time, good in enumerate(np.linspace(5, 700, 25).astype(int)):
            counts = random.multinomial(good, [1 / 8] * 8).tolist()
            width = max(0.0, random.normal(1, WIDTH_SD * math.sqrt(GOOD * N / good)))
            looks.append(look(100 * time, counts, width=width))
        kinds = {kind for _, kind in events_of(looks)}
        alarms += bool(kinds & {"missing-modes", "shrunken-modes"})
    assert alarms / runs < 0.01


def test_an_off_mode_generator_is_told_from_one_that_misses_modes() -> None:
    """A tenth of the samples is good, evenly: modes are there, samples are not."""
    assert events_of([look(100), look(200, [25] * 8)]) == [(200, "off-mode")]


def test_a_thousand_modes_vary_by_hundreds_and_a_loss_beyond_that_is_seen() -> None:
    noise, random = noise_at(N, [0.001] * 1000), np.random.default_rng(0)
    names = [f"{mode:03}" for mode in range(1000)]
    looks = real_run(random, np.full(1000, 0.001), N, times=3)
    lame = np.where(np.arange(1000) < 500, 1 / 500, 0)
    looks.append(
        Observation(400, SampleSummary(N, tuple(random.multinomial(round(N * GOOD), lame).tolist()), 1.0, NEAR))
    )
    (event,) = detect(looks, noise, STEPS, names)
    assert (event.step, event.kind) == (400, "missing-modes")
    assert len(event.words) < 200, "hundreds of names are no words"


def test_names_may_be_left_out() -> None:
    (event,) = detect([look(100), look(200, without(3))], EIGHT, STEPS)
    assert event.words.startswith("7 of 8 modes are left")


# How many modes there should be


@pytest.mark.parametrize(
    ("modes", "samples", "good"),
    [
        (8, 2_000, 1_978),
        (8, 2_000, 40),
        (8, 2_000, 16),
        (1000, 2_000, 1_978),
        (1000, 2_000, 500),
        (1000, 20_000, 9_000),
    ],
)
def test_modes_by_chance_agree_with_throws_of_dice(modes: int, samples: int, good: int) -> None:
    """Poisson counts stand for multinomial ones: the mean is right, the deviation never too small."""
    noise = noise_at(samples, power_law(modes, 0.3))
    thrown = np.random.default_rng(0).multinomial(good, noise.weights, size=1_000)
    there = (thrown >= np.array(noise.least)).sum(1)
    mean, deviation = modes_by_chance(good, noise)
    assert mean == pytest.approx(there.mean(), abs=0.02 * modes + 4 * there.std() / math.sqrt(1_000))
    assert there.std() <= 1.1 * deviation + 1e-9


def test_no_good_sample_finds_no_mode() -> None:
    assert modes_by_chance(0, EIGHT) == (0.0, 0.0)


def test_what_counts_as_there_is_two_and_one_percent_of_what_a_mode_should_hold() -> None:
    noise = noise_at(10_000, [6, 3, 1, 0.1])
    assert sum(noise.weights) == pytest.approx(1)
    # 10,000 · share / 100, rounded up: shares are 6 / 10.1 and so on.
    assert noise.least == (60, 30, 10, 2)


# Width, junk, duplicates


def test_halved_width_is_an_event() -> None:
    (event,) = detect([look(100), look(200, width=0.5), look(300, width=0.45)], EIGHT, STEPS, NAMES)
    assert (event.step, event.kind) == (200, "shrunken-modes")
    assert event.severity == pytest.approx(0.5)
    assert "50%" in event.words


def test_width_that_comes_back_is_a_recovery() -> None:
    assert events_of([look(100), look(200, width=0.3), look(300)]) == [(200, "shrunken-modes"), (300, "recovery")]


def test_modes_that_are_too_wide_are_not_shrunken() -> None:
    assert events_of([look(100), look(200, width=3.0)]) == []


def test_junk_is_an_event_with_its_share() -> None:
    (event,) = detect([look(100), look(200, [173] * 8)], EIGHT, STEPS, NAMES)
    assert (event.step, event.kind) == (200, "off-mode")
    assert event.severity == pytest.approx(1 - 8 * 173 / N / GOOD)
    assert event.words.startswith("31% of all samples")


def test_duplicates_are_an_event_with_their_share() -> None:
    (event,) = detect([look(100), look(200, duplicates=0.505)], EIGHT, STEPS, NAMES)
    assert (event.step, event.kind) == (200, "duplicates")
    assert event.severity == pytest.approx(0.5)


@pytest.mark.parametrize("slight", [{"width": 0.92}, {"duplicates": 0.08}, {"counts": [235] * 8}])
def test_what_is_beyond_chance_but_costs_less_than_a_tenth_is_no_event(slight: dict[str, Any]) -> None:
    assert events_of([look(100), look(9_000, **slight)]) == []


def test_what_matters_but_could_be_chance_is_no_event() -> None:
    noisy = baseline_of(
        N,
        [1 / 8] * 8,
        {"good": 0.989, "good-sd": 0.1, "width": 1, "width-sd": 0.1, "duplicates": 0.01, "duplicates-sd": 0.1},
    )
    looks = [look(100), look(9_000, [150] * 8, width=0.6, duplicates=0.4)]
    assert detect(looks, noisy, STEPS, NAMES) == []


def test_a_look_without_a_width_says_nothing_about_it() -> None:
    looks = [look(100), look(200, width=0.5), look(300, width=math.nan), look(400, width=0.5)]
    assert events_of(looks) == [(200, "shrunken-modes")]


# The discriminator wins


@pytest.mark.parametrize(
    ("critics", "expected"),
    [
        ([(0.6, 0.4), (0.999, 0.001), (0.6, 0.4)], []),
        ([(0.6, 0.4), (0.999, 0.001), (0.998, 0.002)], [(300, "d-saturation")]),
        ([(0.999, 0.001), (0.999, 0.001), (0.999, 0.001)], [(200, "d-saturation")]),
        ([(0.999, 0.001), (0.999, 0.001), (0.6, 0.4)], [(200, "d-saturation"), (300, "recovery")]),
        ([(0.999, 0.001), (0.6, 0.4), (0.999, 0.001)], []),
        ([(0.999, 0.5), (0.999, 0.5), (0.999, 0.5)], []),
        ([(0.5, 0.001), (0.5, 0.001), (0.5, 0.001)], []),
        ([None, None, None], []),
    ],
)
def test_the_discriminator_has_won_at_two_looks_in_a_row(
    critics: list[tuple[float, float] | None], expected: list[tuple[int, str]]
) -> None:
    looks = [look(100 * (1 + time), critic=critic) for time, critic in enumerate(critics)]
    assert events_of(looks) == expected


# How long collapsed


def test_only_the_unbroken_tail_counts_as_collapsed() -> None:
    bad = without(1, 2, 3, 4)
    looks = [look(1, bad), look(2, bad), look(3), look(4, bad), look(5, width=0.4), look(6, duplicates=0.9)]
    assert [collapsed_for(looks[:end], EIGHT) for end in range(7)] == [0, 1, 2, 0, 1, 2, 3]


def test_less_than_half_a_loss_is_not_collapsed() -> None:
    looks = [look(1, without(1, 2, 3)), look(2, width=0.6), look(3, duplicates=0.45)]
    assert [collapsed_for([each], EIGHT) for each in looks] == [0, 0, 0]
    assert collapsed_for([], EIGHT) == 0


# Any history


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Observation], RealBaseline, int, list[str]]:
    modes, samples = draw(st.integers(1, 12)), draw(st.integers(1, 3_000))
    shares = st.floats(0, 1)
    weights = draw(st.lists(st.floats(0.001, 1), min_size=modes, max_size=modes))
    spread = st.floats(0, 0.2)
    real = {
        "good": draw(st.floats(0.5, 1)),
        "good-sd": draw(spread),
        "width": draw(st.floats(0.5, 1.5)),
        "width-sd": draw(spread),
        "duplicates": draw(st.floats(0, 0.2)),
        "duplicates-sd": draw(spread),
    }
    looks = []
    for step in sorted(draw(st.sets(st.integers(0, 1_000), max_size=8))):
        cuts = sorted(draw(st.lists(st.integers(0, samples), min_size=modes, max_size=modes)))
        counts = tuple(b - a for a, b in itertools.pairwise([0, *cuts]))
        width = draw(st.one_of(st.just(math.nan), st.just(0.0), st.floats(0, 3)))
        critic = draw(st.one_of(st.none(), st.tuples(shares, shares), st.just((1.0, 0.0))))
        looks.append(Observation(step, SampleSummary(samples, counts, width, draw(shares)), critic))
    names = [f"mode {mode}" for mode in range(modes)]
    return looks, baseline_of(samples, weights, real), draw(st.integers(1, 2_000)), names


@settings(max_examples=150, deadline=None)
@given(histories())
def test_any_history_has_events_in_order_with_a_severity(
    case: tuple[list[Observation], RealBaseline, int, list[str]],
) -> None:
    looks, noise, steps, names = case
    events = detect(looks, noise, steps, names)
    assert [event.step for event in events] == sorted(event.step for event in events)
    assert {event.step for event in events} <= {each.step for each in looks}
    assert all(event.kind in EVENT_KINDS and 0 <= event.severity <= 1 and event.words for event in events)
    assert 0 <= collapsed_for(looks, noise) <= len(looks)


def test_where_real_data_would_show_no_mode_none_is_missing() -> None:
    """One sample, of which half are good in real data: found by the fuzz below."""
    looks = [
        Observation(0, SampleSummary(1, (0,), math.nan, 0.0), None),
        Observation(1, SampleSummary(1, (0,), math.nan, 0.0), None),
    ]
    noise = RealBaseline(1, (1.0,), (2,), (0.5, 0.0), (1.0, 0.0), (0.0, 0.0))
    assert "missing-modes" not in {event.kind for event in detect(looks, noise, 2, ["0"]) if event.severity > 0}


@settings(max_examples=150, deadline=None)
@given(histories())
def test_the_events_of_a_beginning_are_the_beginning_of_the_events(
    case: tuple[list[Observation], RealBaseline, int, list[str]],
) -> None:
    """So that a resumed run tells the same story, and an event once told stays true."""
    looks, noise, steps, names = case
    whole = detect(looks, noise, steps, names)
    for end, last in enumerate(looks, start=1):
        assert detect(looks[:end], noise, steps, names) == [event for event in whole if event.step <= last.step]


@settings(max_examples=150, deadline=None)
@given(histories())
def test_a_fault_is_told_once_until_it_has_recovered(
    case: tuple[list[Observation], RealBaseline, int, list[str]],
) -> None:
    def is_of(event: Event, kind: str) -> bool:
        return event.kind == kind or event.words == f"recovered from {kind}"

    events = detect(*case)
    for kind in (*EVENT_KINDS[:4], "d-saturation"):
        told = [event.kind for event in events if is_of(event, kind)]
        assert told == [kind if number % 2 == 0 else "recovery" for number in range(len(told))]
