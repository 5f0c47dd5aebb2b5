"""A comparison of two kinds of seeds within strata, in words."""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.core.formatting import percent, percents
from ganbench.results.inference import Interval
from ganbench.results.inference.intervals import LEVEL

ALIKE = 0.01
"""Largest relative difference between numbers of real images that are called equal."""


def pairs_in_words(better: Interval, corrected_p: float, *, significant: bool, than: str = "") -> tuple[str, str]:
    """Return “better in 98 % of pairs of seeds”, or “worse” if that is what is shown, and “95–100 %; p < .0001”.

    Args:
        than: words after “better” or “worse”, beginning with a space.
    """
    word, (share, low, high) = "better", better
    if significant and share < 0.5:
        word, (share, low, high) = "worse", turned(better)
    numbers = f"{percents(low, high)}; {p_in_words(corrected_p)}"
    return f"{word}{than} in {percent(share)} % of pairs of seeds", numbers


def share_in_words(better: Interval, corrected_p: float) -> str:
    """Return “80 % (65–95 %; p = 0.0061)”: the share of pairs in which the first kind is better, small or large."""
    return f"{percent(better.middle)} % ({percents(better.low, better.high)}; {p_in_words(corrected_p)})"


def shown_in_words(better: Interval, *, significant: bool) -> str:
    """Return what is shown of the first kind: “better”, “worse” or “undecided”."""
    if not significant:
        return "undecided"
    return "better" if better.middle > 0.5 else "worse"


def turned(better: Interval) -> Interval:
    """Return the same comparison from the other side."""
    return Interval(1 - better.middle, 1 - better.high, 1 - better.low)


def reverses(better: Sequence[Interval]) -> bool:
    """Return whether one kind is better in some strata and worse in others, by intervals that exclude ½."""
    return min(each.high for each in better) < 0.5 < max(each.low for each in better)


def failed_in_words(failed: int, of: int) -> str:
    """Return “; 2 of 28 runs have no score and rank worst”; empty if none has failed."""
    verbs = ("has", "ranks") if failed == 1 else ("have", "rank")
    return f"; {failed} of {of} runs {verbs[0]} no score and {verbs[1]} worst" if failed else ""


def all_in_words(better: Sequence[Interval], corrected_p: Sequence[float]) -> tuple[str, str]:
    """Return of some comparisons “82 to 88 %” of pairs, and “intervals from 53 to 97 %; p = 0.036 or less”.

    Of a single one: “82 %” and “53–95 %; p = 0.036”.
    """
    shares = [each.middle for each in better]
    span = " to ".join(dict.fromkeys(map(percent, (min(shares), max(shares))))) + " %"
    low, high = min(each.low for each in better), max(each.high for each in better)
    largest = p_in_words(max(corrected_p))
    if len(better) == 1:
        return span, f"{percents(low, high)}; {largest}"
    or_less = " or less" * ("<" not in largest)
    return span, f"intervals from {percent(low)} to {percent(high)} %; {largest}{or_less}"


def p_in_words(p: float) -> str:
    """Return “p = 0.02”, or “p < .0001” if it is smaller."""
    if p < 1e-4:
        return "p < .0001"
    text = f"{p:.2g}"
    level = 1 - LEVEL
    # Rounding must not carry it across the level.
    return f"p = {text if (float(text) <= level) == (p <= level) else f'{p:.3g}'}"
