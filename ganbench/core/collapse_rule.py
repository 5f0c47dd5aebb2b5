"""Rules for collapsed runs, as in `kl_corrected > 1`: a metric, a comparison, and a number."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ganbench.core.errors import GanbenchError
from ganbench.core.formatting import all_digits

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {">": operator.gt, "<": operator.lt}


@dataclass(frozen=True)
class CollapseRule:
    """A rule by which a run's final score counts as collapsed.

    It judges scores only: a seed without one has failed, and whoever counts seeds decides what that means.

    Attributes:
        comparison: `>` or `<`.
    """

    metric: str
    comparison: str
    number: float

    def applies(self, value: float) -> bool:
        """Return whether a run with this value of the metric is collapsed; a NaN never is."""
        return COMPARISONS[self.comparison](value, self.number)

    def __str__(self) -> str:
        return f"{self.metric} {self.comparison} {all_digits(self.number)}"


def parse_rule(text: str) -> CollapseRule:
    """Parse a rule.

    Raises:
        GanbenchError: the text is malformed.
    """
    match = re.fullmatch(r"\s*([^\s<>=]+)\s*([<>])\s*(\S+)\s*", text)
    try:
        number = float(match[3]) if match else math.nan
    except ValueError:
        number = math.nan
    if match is None or not math.isfinite(number):
        raise GanbenchError(f"{text!r} is not a rule like kl_corrected > 1: a metric, > or <, and a number")
    return CollapseRule(match[1], match[2], number)
