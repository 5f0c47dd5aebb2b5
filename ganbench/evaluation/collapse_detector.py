"""Collapse events: when a run lost modes, width, variety or coverage, and when it recovered them.

The detector reads the summaries of cheap evaluations during training, and knows from real samples how much they vary
by chance. It depends on the history alone: the same observations give the same events, however often a run was
resumed.

A fault must be beyond chance (more than five standard deviations from the values of equally many real samples) and
substantial (a loss of at least a tenth; any loss of modes). It becomes an event if the run was sound or clearly better
before, or if it was never sound by half of the budget: a generator that has not learned yet has lost nothing. Until it
is over, it is reported again only where it gets much worse.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, pdtrc

from ganbench.core.mode_states import LOST
from ganbench.evaluation.observation import Observation, RealBaseline, SampleSummary

Kind = Literal[
    "missing-modes",
    "shrunken-modes",
    "off-mode",
    "duplicates",
    "uncovered",
    "d-saturation",
    "divergence",
    "worsening",
    "recovery",
]
EVENT_KINDS: tuple[Kind, ...] = get_args(Kind)
SAMPLE_FAULTS: tuple[Kind, ...] = ("missing-modes", "shrunken-modes", "off-mode", "duplicates", "uncovered")
"""The kinds that are faults of the samples."""

BEYOND_CHANCE = 5.0
"""Standard deviations of the floor's noise beyond which a difference is not attributed to chance."""
MATTERS = 0.1
"""Smallest share of width, samples or coverage whose loss counts as a fault."""
FURTHER = 0.25
"""Increase in severity, since it was last reported, at which an open fault is reported again: at most three times."""
EXPLAINING: tuple[Kind, ...] = ("missing-modes", "off-mode")
"""The kinds that imply a loss of coverage. While either loss is a half, nothing is said of coverage besides."""
COLLAPSED = 0.5
"""A generator counts as collapsed while it lacks half of the modes or of their width, or half of its samples are
near-duplicates of others.
"""
COLLAPSING: tuple[Kind, ...] = ("missing-modes", "shrunken-modes", "duplicates")
"""The kinds by which a generator counts as collapsed. Coverage is not one of them: what stops a run stays as it was."""
ROUNDING = 1e-6
WON = 0.01
"""The discriminator has won if its average error is below this on both real and generated samples."""


@dataclass(frozen=True)
class Event:
    """An event in the history of a run.

    Attributes:
        severity: in [0, 1], the share that is lost: of the modes, of their width, of the samples, or of the coverage.
        words: a description of the event.
    """

    step: int
    kind: Kind
    severity: float
    words: str


def detect(
    observations: Sequence[Observation], baseline: RealBaseline, steps: float, names: Sequence[str] = ()
) -> list[Event]:
    """The events in a history of observations, in order.

    Args:
        steps: the budget; a state not reached by half of it becomes an event.
        names: the names of the modes, for the descriptions.
    """
    faults = [event for kind in SAMPLE_FAULTS for event in _episodes(kind, observations, baseline, steps, names)]
    return sorted([*faults, *_saturation(observations)], key=lambda event: event.step)


def collapsed_for(observations: Sequence[Observation], baseline: RealBaseline) -> int:
    """Number of consecutive observations, up to the last, at which the generator was collapsed."""
    count = 0
    for observation in reversed(observations):
        if not any(_severity(kind, observation.summary, baseline) >= COLLAPSED for kind in COLLAPSING):
            break
        count += 1
    return count


def modes_present(summary: SampleSummary, baseline: RealBaseline) -> list[bool]:
    """For each mode, whether it has enough good samples to count as present."""
    return [count >= least for count, least in zip(summary.counts, baseline.least, strict=True)]


def modes_left(summary: SampleSummary, baseline: RealBaseline) -> list[bool]:
    """For each mode, whether it is left: it has a tenth of its fair share of all samples, good or not.

    So a mode whose samples are blurred is no lost one, as in the verdict. Observations of earlier versions know good
    samples only: there a mode is left if it is present.
    """
    counts, least = _seen(summary, baseline)
    return [count >= enough for count, enough in zip(counts, least, strict=True)]


def modes_by_chance(samples: int, baseline: RealBaseline, least: Sequence[int]) -> tuple[float, float]:
    """Number of modes with the least number of samples if these are distributed as real ones: mean and deviation.

    A mode's count is taken as Poisson, independent of the others'.
    """
    chance = _chances(samples, baseline, least)
    return float(chance.sum()), float(np.sqrt((chance * (1 - chance)).sum()))


def explained_coverage(summary: SampleSummary, baseline: RealBaseline) -> tuple[float, float]:
    """Coverage by equally many good real samples in the modes that are present: mean and standard deviation.

    What is lost beyond it is not explained by missing modes or off-mode samples. A real sample is not covered if its k
    nearest neighbours, real or generated, are all real. With t generated samples to a real one, the probability is
    (1 + t)^−k; at t = 1 it is the share that real samples don't cover, which gives k. In a mode that is not present no
    sample is covered.
    """
    mean, deviation = baseline.covered
    weights = np.asarray(baseline.weights)
    by_chance = float(weights @ _chances(sum(summary.counts), baseline, baseline.least))
    if by_chance == 0:
        return 0.0, deviation
    modes = min(1.0, float(weights @ np.asarray(modes_present(summary, baseline))) / by_chance)
    if modes == 0:
        return 0.0, deviation
    missed = (1 - mean) ** math.log2(1 + summary.good / baseline.good[0] / modes)
    # The variance is that of a share; it is never taken to be smaller than that of real samples.
    variance, real_variance = modes * missed * (1 - missed), mean * (1 - mean)
    ratio = max(1.0, variance / real_variance) if real_variance > 0 else 1.0
    return modes * (1 - missed), deviation * math.sqrt(ratio)


def _seen(summary: SampleSummary, baseline: RealBaseline) -> tuple[Sequence[int], Sequence[int]]:
    """The samples in each mode that tell which modes are left, and the least number for each, at least two."""
    if not summary.appearing:
        return summary.counts, baseline.least
    return summary.appearing, [max(2, math.ceil(LOST * summary.samples * weight)) for weight in baseline.weights]


def _chances(samples: int, baseline: RealBaseline, least: Sequence[int]) -> NDArray[np.float64]:
    """Probability that each mode has the least number of samples, [K]."""
    chances: NDArray[np.float64] = pdtrc(np.asarray(least) - 1, samples * np.asarray(baseline.weights))
    return chances


def _chance_of_so_few(modes: int, samples: int, baseline: RealBaseline, least: Sequence[int]) -> float:
    """Exact probability that at most so many modes have the least number of samples."""
    distribution = np.ones(1)
    for chance in _chances(samples, baseline, least):
        distribution = np.convolve(distribution, (1 - chance, chance))
    return float(distribution[: modes + 1].sum())


def _episodes(
    kind: Kind, observations: Sequence[Observation], baseline: RealBaseline, steps: float, names: Sequence[str]
) -> list[Event]:
    events: list[Event] = []
    least_so_far = math.inf  # the lowest severity in this run
    sound_before = is_open = False
    reported, reported_at = 0.0, 0  # severity at the last report of the open fault, and its observation
    for number, observation in enumerate(observations):
        severity = _severity(kind, observation.summary, baseline)
        if math.isnan(severity):
            continue
        faulty = _beyond_chance(kind, observation.summary, baseline) and (
            severity >= MATTERS or kind == "missing-modes"
        )
        if not faulty:
            # If there are too few good samples to tell, the fault neither opens nor closes.
            if severity < _smallest_new_loss(kind, baseline):
                if is_open:
                    events.append(Event(observation.step, "recovery", 0.0, f"recovered from {kind}"))
                is_open, sound_before = False, True
        elif not is_open:
            worse = sound_before or severity >= least_so_far + _smallest_new_loss(kind, baseline)
            if worse or observation.step * 2 >= steps:
                is_open, reported, reported_at = True, severity, number
                words = _description(kind, observations[: number + 1], baseline, names, worse)
                events.append(Event(observation.step, kind, severity, words))
        elif severity >= reported + max(FURTHER - ROUNDING, _smallest_new_loss(kind, baseline)):
            words = _description(kind, observations[reported_at : number + 1], baseline, names, True)
            reported, reported_at = severity, number
            events.append(Event(observation.step, "worsening", severity, f"{kind} got worse: {words}"))
        least_so_far = min(least_so_far, severity)
    return events


def _severity(kind: Kind, summary: SampleSummary, baseline: RealBaseline) -> float:
    if kind == "missing-modes":
        # With very few samples, even real data may show no mode at all: then none is missing.
        expected = _modes_of_real(baseline)[0]
        lost = 1 - sum(modes_left(summary, baseline)) / expected if expected > 0 else 0.0
    elif kind == "shrunken-modes":
        lost = 1 - summary.width / baseline.width[0]
    elif kind == "off-mode":
        lost = 1 - summary.good / baseline.good[0]
    elif kind == "uncovered":
        lost = 1 - summary.covered / baseline.covered[0]
    else:
        lost = (summary.duplicates - baseline.duplicates[0]) / (1 - baseline.duplicates[0])
    return lost if math.isnan(lost) else min(1.0, max(0.0, lost))


def _beyond_chance(kind: Kind, summary: SampleSummary, baseline: RealBaseline) -> bool:
    if kind == "missing-modes":
        counts, least = _seen(summary, baseline)
        left, samples = sum(modes_left(summary, baseline)), sum(counts)
        mean, deviation = modes_by_chance(samples, baseline, least)
        if left >= mean - BEYOND_CHANCE * deviation - ROUNDING:
            return False
        # If only a few modes are likely to be missed, the normal approximation is poor: use the exact probability.
        return _chance_of_so_few(left, samples, baseline, least) < float(ndtr(-BEYOND_CHANCE))
    if kind == "shrunken-modes":
        # The fewer good samples, the less certain is their width.
        deviation = baseline.width[1] * math.sqrt(baseline.good[0] / max(summary.good, 1 / summary.samples))
        return summary.width < baseline.width[0] - BEYOND_CHANCE * deviation
    if kind == "off-mode":
        return summary.good < baseline.good[0] - BEYOND_CHANCE * baseline.good[1]
    if kind == "uncovered":
        if any(_severity(other, summary, baseline) >= COLLAPSED for other in EXPLAINING):
            return False
        mean, deviation = explained_coverage(summary, baseline)
        return summary.covered < mean - max(BEYOND_CHANCE * deviation, MATTERS * baseline.covered[0])
    return summary.duplicates > baseline.duplicates[0] + BEYOND_CHANCE * baseline.duplicates[1]


def _smallest_new_loss(kind: Kind, baseline: RealBaseline) -> float:
    """Increase in severity that counts as a new loss: a tenth, or one mode beyond chance."""
    if kind != "missing-modes":
        return MATTERS
    mean, deviation = _modes_of_real(baseline)
    if mean == 0:
        return MATTERS
    return max(1.0, BEYOND_CHANCE * deviation) / mean - ROUNDING


def _modes_of_real(baseline: RealBaseline) -> tuple[float, float]:
    return modes_by_chance(round(baseline.good[0] * baseline.samples), baseline, baseline.least)


def _description(
    kind: Kind, observations: Sequence[Observation], baseline: RealBaseline, names: Sequence[str], worse: bool
) -> str:
    summary = observations[-1].summary
    never = "" if worse else " by half of the budget"
    if kind == "missing-modes":
        present_now = modes_left(summary, baseline)
        before = [modes_left(observation.summary, baseline) for observation in observations[:-1]]
        present_before = np.any(before, axis=0) if before else [False] * len(present_now)
        count = f"{sum(present_now)} of {len(present_now)} modes"
        if not worse:
            return f"only {count}{never}"
        modes = zip(names, present_now, present_before, strict=True) if names else ()
        lost = [name for name, is_present, was_present in modes if was_present and not is_present]
        # Modes that were missing before are not lost by what is described here.
        word = "lost" if len(lost) == len(present_now) - sum(present_now) else "newly lost"
        return f"{count} are left; {word}: {', '.join(lost)}" if 0 < len(lost) <= 12 else f"{count} are left"
    if kind == "shrunken-modes":
        return f"modes are {summary.width:.0%} as wide as real ones{never}"
    if kind == "off-mode":
        return f"{1 - summary.good:.0%} of all samples are not good{never}"
    if kind == "uncovered":
        return (
            f"{summary.covered:.0%} of real data has a sample nearby{never}; "
            f"equally many real samples in these modes would cover {explained_coverage(summary, baseline)[0]:.0%}"
        )
    return f"{summary.duplicates:.0%} of all samples are near-duplicates of others{never}"


def _saturation(observations: Sequence[Observation]) -> list[Event]:
    """Saturation events: D(x) → 1 and D(G(z)) → 0 in two consecutive observations."""
    events: list[Event] = []
    is_open, before = False, False
    for observation in observations:
        if observation.critic is None:
            continue
        real, fake = observation.critic
        won = real > 1 - WON and fake < WON
        if won and before and not is_open:
            is_open = True
            words = f"the discriminator has won: D(x) {real:.3f}, D(G(z)) {fake:.3f}"
            events.append(Event(observation.step, "d-saturation", 1.0, words))
        elif is_open and not won:
            is_open = False
            events.append(Event(observation.step, "recovery", 0.0, "recovered from d-saturation"))
        before = won
    return events
