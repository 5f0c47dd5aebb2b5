"""The verdict on a set of samples in one word.

The rules are about samples alone, so that they hold for any generator. A generator that repeats itself has collapsed,
whether or not it had more to say before; one that makes varied images, of which hardly any is good, has not learned
yet, and modes that it does not make are not held against it: a blurred image belongs to no mode. Points do, by where
they lie, so points that all lie in few places have collapsed even if none of them is good.
"""

from __future__ import annotations

from typing import Literal

from ganbench.core.verdict import Verdict

VerdictWord = Literal["GOOD", "PARTLY", "COLLAPSED", "NOT LEARNED YET", "DIVERGED"]

LEARNED = 0.05
"""Share of good samples, as a part of that among real ones, below which a generator has not learned yet."""
HALF = 0.5
"""A generator is GOOD with half of the good samples and half of the coverage of real data; it has COLLAPSED if half of
its samples are near-duplicates of others, or half of the modes are missing.
"""
FEW = 0.25
"""Share of real data at which good samples have collapsed if they cover no more, where modes aren't known."""


def word_of(verdict: Verdict) -> VerdictWord | None:
    """The first of these that holds, or None if good samples, near-duplicates or coverage were not measured.

    1. COLLAPSED, of points: half of the modes or more are missing.
    2. NOT LEARNED YET: no real sample has a generated one nearby.
    3. COLLAPSED: half of the samples or more are near-duplicates of others, and more than chance explains.
    4. NOT LEARNED YET: a twentieth of the samples or fewer are good, where real samples are.
    5. COLLAPSED: half of the modes or more are missing; where modes aren't known, half of the samples or more are good,
       and cover a quarter of real data or less, both as a part of what real samples reach.
    6. GOOD: half of the samples or more are good and half of real data or more is covered, both as a part of what real
       samples reach; no mode is missing or thin, no samples are repeated or copied.
    7. PARTLY.

    A run whose losses are no longer finite has DIVERGED; it has no samples to judge.
    """
    good, near_duplicates, covered = verdict.good, verdict.near_duplicates, verdict.covered
    if good is None or near_duplicates is None or covered is None:
        return None
    faults = verdict.faults
    half_missing = verdict.modes > 0 and len(verdict.of_state("lost")) >= HALF * verdict.modes
    of_points = verdict.displacement is not None  # only points have it
    if half_missing and of_points:
        return "COLLAPSED"
    if covered.value == 0:
        return "NOT LEARNED YET"
    if "repeated" in faults and near_duplicates.value >= HALF:
        return "COLLAPSED"
    if good.value <= LEARNED * good.real:
        return "NOT LEARNED YET"
    half_good = good.value >= HALF * good.real
    few_covered = verdict.states is None and half_good and covered.value <= FEW * covered.real
    if half_missing or few_covered:
        return "COLLAPSED"
    faultless = not faults & {"lost modes", "thin modes", "repeated", "copied"}
    if faultless and half_good and covered.value >= HALF * covered.real:
        return "GOOD"
    return "PARTLY"


def heading(word: VerdictWord | None) -> str:
    """The beginning of a sentence on a verdict: its word and a colon, or nothing where there is no word."""
    return f"{word}: " if word else ""
