"""Number formatting for tables and text."""

from __future__ import annotations

import math


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
    return f"{value:.5f}" if "e" in text else text
