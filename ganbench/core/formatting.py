"""Number formatting for tables and text."""

from __future__ import annotations

import math
from collections.abc import Sequence

MAX_SEEDS_LISTED = 10
SMALLEST = 1e-5
"""The last digit that is shown of a small number."""
EQUAL = 1e-9
"""Difference of shares that may come from rounding."""


def on_scale(value: float, scale: str) -> str:
    """A metric's value on its scale, as in `ganbench.tracking.metric_facts`: a share as a percentage."""
    return f"{value:.1%}" if scale == "share" and not math.isnan(value) else number(value)


def with_sd(mean: float, sd: float) -> str:
    """A mean with its standard deviation, if that is known and not 0: `0.105 ± 0.0031`."""
    return number(mean) if math.isnan(sd) or sd == 0 else f"{number(mean)} ± {number(sd, 2)}"


def number(value: float, digits: int = 3) -> str:
    """A number with three significant digits and no exponent; a dash for NaN."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    value += 0.0  # −0 becomes 0
    if value == 0 or abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    text = f"{value:.{digits}g}"
    if "e" not in text:
        return text
    if abs(value) < SMALLEST / 2:
        return f"<{SMALLEST:.5f}" if value > 0 else f">-{SMALLEST:.5f}"
    return f"{value:.5f}"


def percent(share: float) -> str:
    """A share in whole percent: `98`; `>99` or `<1` where rounding would say all or none."""
    rounded = f"{100 * share:.0f}"
    if rounded == "100" and share < 1 - EQUAL:
        return ">99"
    return "<1" if rounded == "0" and share > EQUAL else rounded


def percents(low: float, high: float) -> str:
    """An interval of shares in whole percent: `88–100 %`."""
    return f"{100 * low:.0f}–{100 * high:.0f} %"


def all_digits(value: float) -> str:
    """A number as Python and TOML read it back: `5`, `0.1`."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def listed(names: Sequence[str], last: str = "and") -> str:
    """Names as a sentence lists them: `a, b and c`; with semicolons if a name has a comma, `a, b; c; and d`.

    Args:
        last: the word before the last name.
    """
    comma = "; " if any("," in name for name in names) else ", "
    semicolon = ";" if comma == "; " else ""
    return names[0] if len(names) == 1 else f"{comma.join(names[:-1])}{semicolon} {last} {names[-1]}"


def seeds_in_words(seeds: Sequence[int]) -> str:
    """`seed 3`, `seeds 0, 1 and 2`, or, of more than ten, their number."""
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    if len(seeds) > MAX_SEEDS_LISTED:
        return f"{len(seeds):,} seeds"
    return f"seeds {listed([str(seed) for seed in seeds])}"
