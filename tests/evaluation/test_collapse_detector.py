"""The collapse detector, run on histories with known events."""

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
from torch import Tensor

from ganbench.data.ring import Ring
from ganbench.evaluation.collapse_detector import (
    EVENT_KINDS,
    SAMPLE_FAULTS,
    Event,
    collapsed_for,
    detect,
    explained_coverage,
    modes_by_chance,
    modes_present,
)
from ganbench.evaluation.faults import PointSource, point_faults
from ganbench.evaluation.observation import Observation, RealBaseline, SampleSummary, baseline_of
from ganbench.evaluation.protocols.ganbench_1 import Ganbench1
from ganbench.evaluation.scorer import Scorer

N = 2_000
GOOD, WIDTH_SD, NEAR, NEAR_SD = 0.989, 0.01, 0.01, 0.003
COVERED, COVERED_SD = 0.969, 0.006
STEPS = 10_000
NAMES = tuple("abcdefgh")
FULL = (247,) * 8
NOTHING = (0,) * 8
RING_SAMPLES = 1_000


def baseline_for(samples: int, weights: Sequence[float]) -> RealBaseline:
    """A baseline with the noise of real samples; the share of good samples is binomial."""
    spread = math.sqrt(GOOD * (1 - GOOD) / samples)
    real = {"good": GOOD, "good-sd": spread, "width": 1.0, "width-sd": WIDTH_SD}
    covered = {"covered": COVERED, "covered-sd": COVERED_SD}
    return baseline_of(samples, weights, real | covered | {"duplicates": NEAR, "duplicates-sd": NEAR_SD})


BASELINE = baseline_for(N, [1 / 8] * 8)


def observation(
    step: int,
    counts: Sequence[int] = FULL,
    *,
    width: float = 1.0,
    duplicates: float = NEAR,
    covered: float = COVERED,
    critic: tuple[float, float] | None = None,
    appearing: Sequence[int] = (),
) -> Observation:
    return Observation(step, SampleSummary(N, tuple(counts), width, duplicates, covered, tuple(appearing)), critic)


def without(*modes: int) -> tuple[int, ...]:
    """Counts of good samples by mode without these modes; their samples go to the remaining modes."""
    return tuple(0 if mode in modes else 8 * 247 // (8 - len(modes)) for mode in range(8))


def events_of(observations: Sequence[Observation], steps: int = STEPS) -> list[tuple[int, str]]:
    return [(event.step, event.kind) for event in detect(observations, BASELINE, steps, NAMES)]


def real_run(
    random: np.random.Generator, weights: np.ndarray[Any, Any], samples: int, times: int = 20
) -> list[Observation]:
    """Observations of real data, which vary by chance only."""
    observations = []
    for time in range(times):
        counts = random.multinomial(samples, np.append(weights * GOOD, 1 - GOOD))[:-1]
        width, near = random.normal(1, WIDTH_SD), max(0.0, random.normal(NEAR, NEAR_SD))
        covered = min(1.0, random.normal(COVERED, COVERED_SD))
        others = random.multinomial(samples - counts.sum(), weights)
        summary = SampleSummary(
            samples, tuple(counts.tolist()), width, near, covered, tuple((counts + others).tolist())
        )
        observations.append(Observation(100 * time, summary, (0.5, 0.5)))
    return observations


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
    """Fewer than 1 % of runs of 20 evaluations have an event, even with modes rare enough to be missed by chance."""
    noise, random = baseline_for(samples, weights), np.random.default_rng(0)
    names = [str(mode) for mode in range(len(weights))]
    histories = (real_run(random, np.array(weights), samples) for _ in range(runs))
    assert sum(bool(detect(observations, noise, 2_000, names)) for observations in histories) / runs < 0.01


class RealRing:
    """Exact points of the ring, faults planted in them, and what the detector says of both."""

    def __init__(self) -> None:
        ring, device = Ring(), torch.device("cpu")
        self.data = ring.load(device)
        self.scorer = Scorer(Ganbench1().case(ring), ring, self.data, ring.evaluator(device))
        self.baseline = self.scorer.beside_real.baseline(RING_SAMPLES)
        self.faults = point_faults(PointSource(self.data), self.data)
        self.sound = [self.summary(self.data.floor_samples(RING_SAMPLES, draw)) for draw in range(1_000, 1_300)]

    def summary(self, points: Tensor) -> SampleSummary:
        return self.scorer.beside_real.summary(self.scorer.evaluator(points))

    def events(self, *summaries: SampleSummary, steps: int = STEPS) -> list[str]:
        """The kinds of event of a history of summaries, which is sound at first."""
        history = [Observation(100 * time, summary) for time, summary in enumerate([*self.sound[:3], *summaries])]
        return [event.kind for event in detect(history, self.baseline, steps, self.data.mode_names)]


@pytest.fixture(scope="module")
def real_ring() -> RealRing:
    return RealRing()


def test_exact_ring_samples_raise_no_alarm(real_ring: RealRing) -> None:
    """Summaries of real points with the scorer's noise estimate, rather than a model of both; 300 histories."""
    random = np.random.default_rng(0)
    for _ in range(300):
        some = [real_ring.sound[index] for index in random.choice(len(real_ring.sound), 20, replace=False)]
        assert real_ring.events(*some, steps=2_000) == []


# Missing modes


def test_lost_mode_is_an_event_with_its_name_and_share() -> None:
    (event,) = detect(
        [observation(100), observation(200), observation(300, without(3)), observation(400, without(3))],
        BASELINE,
        STEPS,
        NAMES,
    )
    assert (event.step, event.kind) == (300, "missing-modes")
    assert event.severity == pytest.approx(1 / 8)
    assert event.words == "7 of 8 modes are left; lost: d"


def test_mode_with_too_few_samples_counts_as_lost() -> None:
    counts = [*without(7)[:7], BASELINE.least[7] - 1]
    assert modes_present(observation(1, counts).summary, BASELINE) == [True] * 7 + [False]
    assert events_of([observation(100), observation(200, counts)]) == [(200, "missing-modes")]
    counts[7] += 1
    assert events_of([observation(100), observation(200, counts)]) == []


def test_regained_mode_is_a_recovery() -> None:
    observations = [
        observation(100),
        observation(200, without(3)),
        observation(300),
        observation(400),
        observation(500, without(1, 2)),
    ]
    assert events_of(observations) == [(200, "missing-modes"), (300, "recovery"), (500, "missing-modes")]


def test_total_collapse_has_severity_near_one() -> None:
    (event,) = detect([observation(100), observation(200, without(*range(1, 8)))], BASELINE, STEPS, NAMES)
    assert event.severity == pytest.approx(7 / 8)
    assert "lost: b, c, d, e, f, g, h" in event.words


def test_modes_never_reached_are_an_event_at_half_of_the_budget() -> None:
    observations = [observation(step, without(5, 6, 7)) for step in range(100, 1_001, 100)]
    (event,) = detect(observations, BASELINE, 1_000, NAMES)
    assert (event.step, event.kind) == (500, "missing-modes")
    assert event.severity == pytest.approx(3 / 8)
    assert event.words == "only 5 of 8 modes by half of the budget"


def test_generator_that_gains_modes_one_by_one_has_no_events() -> None:
    observations = [observation(100 * count, without(*range(count, 8))) for count in range(1, 9)]
    assert events_of(observations) == []


def test_modes_missing_after_an_evaluation_without_good_samples_are_not_lost() -> None:
    """Without good samples an evaluation is no evidence about modes, so later gains are not losses."""
    observations = [observation(100, NOTHING, width=math.nan), observation(200, without(4, 5, 6, 7)), observation(300)]
    assert (200, "missing-modes") not in events_of(observations)


def test_mode_lost_while_others_are_gained_is_an_event() -> None:
    observations = [
        observation(100, without(2, 3, 4, 5)),
        observation(200, without(5)),
        observation(300, without(4, 5)),
    ]
    (event,) = detect(observations, BASELINE, STEPS, NAMES)
    assert (event.step, event.kind) == (300, "missing-modes")
    assert event.words == "6 of 8 modes are left; newly lost: e"


def test_open_fault_that_gets_much_worse_is_reported_again() -> None:
    """From 6 to 2 modes; the loss of one more mode, or a wobble, is not reported."""
    lost = [(), (6, 7), (5, 6, 7), (6, 7), (3, 4, 5, 6, 7), (2, 3, 4, 5, 6, 7), (1, 2, 3, 4, 5, 6, 7), ()]
    observations = [observation(100 * number, without(*modes)) for number, modes in enumerate(lost, start=1)]
    events = detect(observations, BASELINE, STEPS, NAMES)
    kinds = ["missing-modes", "worsening", "worsening", "recovery"]
    assert [(event.step, event.kind) for event in events] == list(zip((200, 500, 700, 800), kinds, strict=True))
    first, second, third, _ = events
    assert [event.severity for event in (first, second, third)] == pytest.approx([2 / 8, 5 / 8, 7 / 8])
    assert first.words == "6 of 8 modes are left; lost: g, h"
    assert second.words == "missing-modes got worse: 3 of 8 modes are left; newly lost: d, e, f"
    assert third.words == "missing-modes got worse: 1 of 8 modes are left; newly lost: b, c"


def test_second_episode_is_reported_as_the_first_was() -> None:
    """What was reported of an episode that is over doesn't count for the next one."""
    duplicated = [NEAR, 0.3, 0.5, 0.7, NEAR, 0.3, 0.7]
    observations = [observation(100 * number, duplicates=share) for number, share in enumerate(duplicated, start=1)]
    faults = ["duplicates", "worsening", "recovery", "duplicates", "worsening"]
    assert events_of(observations) == list(zip((200, 400, 500, 600, 700), faults, strict=True))


def test_collapsed_generator_that_loses_its_last_mode_has_not_recovered() -> None:
    """A lack of good samples excuses missing modes, but does not count as finding them."""
    observations = [
        observation(100),
        observation(200, without(*range(1, 8))),
        observation(300, NOTHING, width=math.nan),
    ]
    assert (300, "recovery") not in events_of(observations)


ALL = (N // 8,) * 8


def test_modes_whose_samples_are_blurred_are_not_lost() -> None:
    """Few samples are good, and they are in few modes; but samples of any kind are in all."""
    blurred = [observation(step, (60, 20, *[0] * 6), appearing=ALL) for step in range(1_000, STEPS + 1, 1_000)]
    assert {kind for _, kind in events_of(blurred)} == {"off-mode"}
    assert collapsed_for(blurred, BASELINE) == 0
    known_good_only = [observation(seen.step, seen.summary.counts) for seen in blurred]
    assert (5_000, "missing-modes") in events_of(known_good_only)


def test_modes_are_lost_though_no_sample_is_good() -> None:
    collapsed = [observation(step, NOTHING, width=math.nan, appearing=ALL) for step in (1_000, 2_000)]
    collapsed.append(observation(3_000, NOTHING, width=math.nan, appearing=(N - 60, 24, 24, 12, *[0] * 4)))
    assert (3_000, "missing-modes") in events_of(collapsed)
    (words,) = [event.words for event in detect(collapsed, BASELINE, STEPS, NAMES) if event.kind == "missing-modes"]
    assert words == "1 of 8 modes are left; lost: b, c, d, e, f, g, h"
    assert collapsed_for(collapsed, BASELINE) == 1


def test_few_evenly_spread_good_samples_raise_no_alarm() -> None:
    """Early in training few samples are good, and their width is uncertain. Fewer than 1 % of runs have an event."""
    random, alarms, runs = np.random.default_rng(0), 0, 500
    for _ in range(runs):
        observations = []
        for time, good in enumerate(np.linspace(5, 700, 25).astype(int)):
            counts = random.multinomial(good, [1 / 8] * 8).tolist()
            width = max(0.0, random.normal(1, WIDTH_SD * math.sqrt(GOOD * N / good)))
            observations.append(observation(100 * time, counts, width=width))
        kinds = {kind for _, kind in events_of(observations)}
        alarms += bool(kinds & {"missing-modes", "shrunken-modes"})
    assert alarms / runs < 0.01


def test_off_mode_samples_are_distinguished_from_missing_modes() -> None:
    """A tenth of the samples is good, spread evenly: all modes are covered, but most samples are off-mode."""
    assert events_of([observation(100), observation(200, [25] * 8)]) == [(200, "off-mode")]


def test_loss_among_a_thousand_modes_is_detected_beyond_chance() -> None:
    noise, random = baseline_for(N, [0.001] * 1000), np.random.default_rng(0)
    names = [f"{mode:03}" for mode in range(1000)]
    observations = real_run(random, np.full(1000, 0.001), N, times=3)
    half_of_modes = np.where(np.arange(1000) < 500, 1 / 500, 0)
    observations.append(
        Observation(
            400, SampleSummary(N, tuple(random.multinomial(round(N * GOOD), half_of_modes).tolist()), 1.0, NEAR)
        )
    )
    (event,) = detect(observations, noise, STEPS, names)
    assert (event.step, event.kind) == (400, "missing-modes")
    assert len(event.words) < 200, "a message doesn't list hundreds of names"


def test_detector_works_without_mode_names() -> None:
    (event,) = detect([observation(100), observation(200, without(3))], BASELINE, STEPS)
    assert event.words.startswith("7 of 8 modes are left")


# Modes expected by chance


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
def test_modes_by_chance_agree_with_simulation(modes: int, samples: int, good: int) -> None:
    """Poisson counts approximate multinomial ones: the mean is right, and the deviation is never too small."""
    noise = baseline_for(samples, power_law(modes, 0.3))
    counts = np.random.default_rng(0).multinomial(good, noise.weights, size=1_000)
    covered = (counts >= np.array(noise.least)).sum(1)
    mean, deviation = modes_by_chance(good, noise, noise.least)
    assert mean == pytest.approx(covered.mean(), abs=0.02 * modes + 4 * covered.std() / math.sqrt(1_000))
    assert covered.std() <= 1.1 * deviation + 1e-9


def test_no_modes_are_expected_without_good_samples() -> None:
    assert modes_by_chance(0, BASELINE, BASELINE.least) == (0.0, 0.0)


def test_covered_mode_needs_two_samples_and_one_percent_of_its_share() -> None:
    noise = baseline_for(10_000, [6, 3, 1, 0.1])
    assert sum(noise.weights) == pytest.approx(1)
    # 10,000 · share / 100, rounded up: shares are 6 / 10.1 and so on.
    assert noise.least == (60, 30, 10, 2)


# Width, off-mode samples, duplicates


def test_halved_width_is_an_event() -> None:
    (event,) = detect(
        [observation(100), observation(200, width=0.5), observation(300, width=0.45)], BASELINE, STEPS, NAMES
    )
    assert (event.step, event.kind) == (200, "shrunken-modes")
    assert event.severity == pytest.approx(0.5)
    assert "50%" in event.words


def test_regained_width_is_a_recovery() -> None:
    assert events_of([observation(100), observation(200, width=0.3), observation(300)]) == [
        (200, "shrunken-modes"),
        (300, "recovery"),
    ]


def test_modes_that_are_too_wide_are_no_event() -> None:
    assert events_of([observation(100), observation(200, width=3.0)]) == []


def test_off_mode_samples_are_an_event_with_their_share() -> None:
    (event,) = detect([observation(100), observation(200, [173] * 8)], BASELINE, STEPS, NAMES)
    assert (event.step, event.kind) == (200, "off-mode")
    assert event.severity == pytest.approx(1 - 8 * 173 / N / GOOD)
    assert event.words.startswith("31% of all samples")


def test_duplicates_are_an_event_with_their_share() -> None:
    (event,) = detect([observation(100), observation(200, duplicates=0.505)], BASELINE, STEPS, NAMES)
    assert (event.step, event.kind) == (200, "duplicates")
    assert event.severity == pytest.approx(0.5)


@pytest.mark.parametrize("slight", [{"width": 0.92}, {"duplicates": 0.08}, {"counts": [235] * 8}, {"covered": 0.89}])
def test_significant_but_small_faults_are_no_event(slight: dict[str, Any]) -> None:
    assert events_of([observation(100), observation(9_000, **slight)]) == []


def test_large_faults_within_the_noise_are_no_event() -> None:
    noisy_baseline = baseline_of(
        N,
        [1 / 8] * 8,
        {"good": 0.989, "good-sd": 0.1, "width": 1, "width-sd": 0.1, "duplicates": 0.01, "duplicates-sd": 0.1}
        | {"covered": 0.969, "covered-sd": 0.1},
    )
    observations = [observation(100), observation(9_000, [150] * 8, width=0.6, duplicates=0.4, covered=0.5)]
    assert detect(observations, noisy_baseline, STEPS, NAMES) == []


def test_evaluation_without_width_does_not_end_a_width_event() -> None:
    observations = [
        observation(100),
        observation(200, width=0.5),
        observation(300, width=math.nan),
        observation(400, width=0.5),
    ]
    assert events_of(observations) == [(200, "shrunken-modes")]


# Coverage


def test_uncovered_data_are_an_event_with_the_share_of_coverage_lost() -> None:
    observations = [observation(100), observation(200, covered=0.5), observation(300)]
    event, recovery = detect(observations, BASELINE, STEPS, NAMES)
    assert (event.step, event.kind) == (200, "uncovered")
    assert event.severity == pytest.approx(1 - 0.5 / COVERED)
    assert event.words.startswith("50% of real data has a sample nearby; equally many real samples")
    assert event.words.endswith("97%")
    assert (recovery.step, recovery.words) == (300, "recovered from uncovered")


def test_coverage_never_reached_is_an_event_at_half_of_the_budget() -> None:
    observations = [observation(step, covered=0.5) for step in range(100, 1_001, 100)]
    (event,) = detect(observations, BASELINE, 1_000, NAMES)
    assert (event.step, event.kind) == (500, "uncovered")
    assert "by half of the budget" in event.words


def test_coverage_that_was_not_measured_is_no_event_and_no_recovery() -> None:
    """Observations of earlier versions have none; the run they belong to may go on with a version that measures it."""
    old = [observation(step, covered=math.nan) for step in (100, 9_000)]
    assert events_of(old) == []
    assert events_of([observation(100), observation(200, covered=0.5), *old[1:]]) == [(200, "uncovered")]
    assert events_of([*old[:1], observation(200), observation(300, covered=0.5)]) == [(300, "uncovered")]


@pytest.mark.parametrize("lost", range(1, 8))
def test_missing_modes_explain_missing_coverage(lost: int) -> None:
    """Neither the loss of modes nor their return is told twice."""
    counts = without(*range(lost))
    observations = [observation(100), observation(200, counts, covered=1 - lost / 8), observation(300)]
    assert events_of(observations) == [(200, "missing-modes"), (300, "recovery")]


def test_loss_beyond_that_of_missing_modes_is_an_event() -> None:
    assert events_of([observation(100), observation(200, without(0, 1), covered=0.5)]) == [
        (200, "missing-modes"),
        (200, "uncovered"),
    ]


def test_uncovered_data_have_not_recovered_when_their_modes_go_missing() -> None:
    """Nor is it told again when the modes are back."""
    observations = [
        observation(100),
        observation(200, covered=0.5),
        observation(300, without(0, 1, 2, 3, 4, 5), covered=0.2),
        observation(400, covered=0.5),
    ]
    assert events_of(observations) == [(200, "uncovered"), (300, "missing-modes"), (400, "recovery")]


def test_nothing_is_said_of_coverage_while_most_samples_are_off_mode() -> None:
    """A generator that hasn't learned yet has one event, not two."""
    observations = [observation(step, [110] * 8, covered=0.2) for step in range(100, 1_001, 100)]
    assert events_of(observations, 1_000) == [(500, "off-mode")]


def test_loss_of_coverage_alone_is_no_collapse() -> None:
    """Which runs `stop_on` ends must not change, since their ids don't."""
    assert collapsed_for([observation(100, covered=0.1)], BASELINE) == 0


@pytest.mark.parametrize("good", [0.5, 0.7, 0.9, 1.0])
@pytest.mark.parametrize("modes", [8, 7, 4])
def test_explained_coverage_agrees_with_that_of_real_points(real_ring: RealRing, modes: int, good: float) -> None:
    """Fewer real points, in fewer modes; the others lie far off, each in its own place."""
    real = real_ring.data.floor_samples(20_000, 2_000)
    real = real[real_ring.scorer.evaluator(real).labels < modes]
    off_mode = 50 + torch.arange(RING_SAMPLES)[:, None] * torch.ones(2)
    differences = []
    for draw in range(4):
        points = off_mode.clone()
        points[: round(good * RING_SAMPLES)] = real[draw * RING_SAMPLES :][: round(good * RING_SAMPLES)]
        summary = real_ring.summary(points)
        mean, deviation = explained_coverage(summary, real_ring.baseline)
        differences.append(summary.covered - mean)
        assert abs(differences[-1]) < 5 * deviation
    assert abs(np.mean(differences)) < 0.03


def half_of_each_mode(ring: RealRing) -> Tensor:
    """Real points on one side of the centre of their mode."""
    points = ring.data.floor_samples(4 * RING_SAMPLES, 3_000)
    centres = ring.data.means[ring.scorer.evaluator(points).labels]
    return points[points[:, 0] > centres[:, 0]][:RING_SAMPLES]


def test_half_of_each_mode_missing_is_uncovered(real_ring: RealRing) -> None:
    """Half of a Gaussian is also narrower, in one direction."""
    kinds = real_ring.events(real_ring.summary(half_of_each_mode(real_ring)))
    assert sorted(kinds) == ["shrunken-modes", "uncovered"]


@pytest.mark.parametrize(
    ("fault", "is_uncovered"),
    [
        ("real", False),
        ("1 mode lost", False),
        ("3 modes lost", False),
        ("10 % junk", False),
        ("noise", False),
        ("smeared", False),
        ("narrowed modes", True),
        ("10 repeated", True),
        ("100 repeated", True),
        ("100 repeated + jitter", True),
        ("turned by 2 sd", True),
    ],
)
def test_planted_faults_are_uncovered_if_missing_modes_do_not_explain_it(
    real_ring: RealRing, fault: str, is_uncovered: bool
) -> None:
    kinds = [real_ring.events(real_ring.summary(real_ring.faults[fault].draw(RING_SAMPLES, draw))) for draw in range(5)]
    assert ["uncovered" in kinds_of_draw for kinds_of_draw in kinds] == [is_uncovered] * 5, kinds


# Saturation of the discriminator


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
def test_saturation_needs_two_evaluations_in_a_row(
    critics: list[tuple[float, float] | None], expected: list[tuple[int, str]]
) -> None:
    observations = [observation(100 * (1 + time), critic=critic) for time, critic in enumerate(critics)]
    assert events_of(observations) == expected


# Duration of a collapse


def test_collapse_duration_counts_only_the_last_unbroken_period() -> None:
    collapsed = without(1, 2, 3, 4)
    observations = [
        observation(1, collapsed),
        observation(2, collapsed),
        observation(3),
        observation(4, collapsed),
        observation(5, width=0.4),
        observation(6, duplicates=0.9),
    ]
    assert [collapsed_for(observations[:end], BASELINE) for end in range(7)] == [0, 1, 2, 0, 1, 2, 3]


def test_losses_below_half_are_not_collapse() -> None:
    observations = [observation(1, without(1, 2, 3)), observation(2, width=0.6), observation(3, duplicates=0.45)]
    assert [collapsed_for([single], BASELINE) for single in observations] == [0, 0, 0]
    assert collapsed_for([], BASELINE) == 0


# Random histories


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
        "covered": draw(st.floats(0.5, 1)),
        "covered-sd": draw(spread),
    }
    observations = []
    for step in sorted(draw(st.sets(st.integers(0, 1_000), max_size=8))):
        cuts = sorted(draw(st.lists(st.integers(0, samples), min_size=modes, max_size=modes)))
        counts = tuple(b - a for a, b in itertools.pairwise([0, *cuts]))
        width = draw(st.one_of(st.just(math.nan), st.just(0.0), st.floats(0, 3)))
        critic = draw(st.one_of(st.none(), st.tuples(shares, shares), st.just((1.0, 0.0))))
        covered = draw(st.one_of(st.just(math.nan), shares))
        appearing = draw(st.sampled_from([(), (*counts[1:], counts[0])]))
        summary = SampleSummary(samples, counts, width, draw(shares), covered, appearing)
        observations.append(Observation(step, summary, critic))
    names = [f"mode {mode}" for mode in range(modes)]
    return observations, baseline_of(samples, weights, real), draw(st.integers(1, 2_000)), names


@settings(max_examples=150, deadline=None)
@given(histories())
def test_events_of_random_histories_are_ordered_and_have_a_severity(
    case: tuple[list[Observation], RealBaseline, int, list[str]],
) -> None:
    observations, noise, steps, names = case
    events = detect(observations, noise, steps, names)
    assert [event.step for event in events] == sorted(event.step for event in events)
    assert {event.step for event in events} <= {seen.step for seen in observations}
    assert all(event.kind in EVENT_KINDS and 0 <= event.severity <= 1 and event.words for event in events)
    assert 0 <= collapsed_for(observations, noise) <= len(observations)


def test_no_mode_is_missing_if_real_data_would_show_none() -> None:
    """A single sample, and half of real ones are good: a counterexample from the random histories below."""
    observations = [
        Observation(0, SampleSummary(1, (0,), math.nan, 0.0), None),
        Observation(1, SampleSummary(1, (0,), math.nan, 0.0), None),
    ]
    noise = RealBaseline(1, (1.0,), (2,), (0.5, 0.0), (1.0, 0.0), (0.0, 0.0), (1.0, 0.0))
    assert "missing-modes" not in {event.kind for event in detect(observations, noise, 2, ["0"]) if event.severity > 0}


@settings(max_examples=150, deadline=None)
@given(histories())
def test_events_of_a_prefix_are_a_prefix_of_all_events(
    case: tuple[list[Observation], RealBaseline, int, list[str]],
) -> None:
    """A resumed run therefore has the same events, and an event once reported stays valid."""
    observations, noise, steps, names = case
    all_events = detect(observations, noise, steps, names)
    for length, last in enumerate(observations, start=1):
        assert detect(observations[:length], noise, steps, names) == [
            event for event in all_events if event.step <= last.step
        ]


@settings(max_examples=150, deadline=None)
@given(histories())
def test_fault_is_reported_once_until_recovery(
    case: tuple[list[Observation], RealBaseline, int, list[str]],
) -> None:
    def is_of(event: Event, kind: str) -> bool:
        return event.kind == kind or event.words == f"recovered from {kind}"

    events = detect(*case)
    for kind in (*SAMPLE_FAULTS, "d-saturation"):
        reported = [event.kind for event in events if is_of(event, kind)]
        assert reported == [kind if number % 2 == 0 else "recovery" for number in range(len(reported))]
