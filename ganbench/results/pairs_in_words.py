"""A comparison of two kinds of seeds within strata, in words."""

from __future__ import annotations

from ganbench.results.inference import Interval


def pairs_in_words(better: Interval, corrected_p: float, *, significant: bool, than: str = "") -> tuple[str, str]:
    """Return “better in 98 % of pairs of seeds”, or “worse” if that is what is shown, and “95–100 %; p < .0001”.

    Args:
        than: words after “better” or “worse”, beginning with a space.
    """
    share, low, high = (100 * part for part in better)
    word = "better"
    if significant and share < 50:
        word, share, low, high = "worse", 100 - share, 100 - high, 100 - low
    return f"{word}{than} in {share:.0f} % of pairs of seeds", f"{low:.0f}–{high:.0f} %; {p_in_words(corrected_p)}"


def p_in_words(p: float) -> str:
    """Return “p = 0.02”, or “p < .0001” if it is smaller."""
    return "p < .0001" if p < 1e-4 else f"p = {p:.2g}"
