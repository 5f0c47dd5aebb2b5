"""Annotations of runs: what an experiment file says about them that their results don't depend on.

They are no part of a spec or a run id, so that a file may name its methods after they have been trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ganbench.core.formatting import all_digits
from ganbench.core.plain_text import without_control

LOST = "lost"
"""The outcome that counts lost modes: a number of the verdict, not a metric."""
SEPARATOR = "; "
"""The text between two doses or factors."""


@dataclass(frozen=True)
class Annotation:
    """An annotation of all runs of a spec.

    Attributes:
        name: the method's name; empty if it has none.
        dose: the amounts of what is varied in steps, by what it is.
        factors: the factors of a factorial design that are on.
        primary: the outcomes that answer the experiment's question: names of metrics, and `LOST`.
        collapsed: the rule for collapsed runs, as `ganbench.core.collapse_rule.parse_rule` reads it; or empty.
        tuned: how the settings were found, in words: "no", or what was searched and in how many runs; or empty.
    """

    name: str = ""
    dose: Mapping[str, float] = field(default_factory=dict)
    factors: tuple[str, ...] = ()
    primary: tuple[str, ...] = ()
    collapsed: str = ""
    tuned: str = ""

    @property
    def label(self) -> str:
        return label_of(self.name, dose_text(self.dose))


def label_of(name: str, dose: str) -> str:
    """Return the label of a method, its name with its dose in parentheses; empty if it has no name."""
    return without_control(f"{name} ({dose})" if name and dose else name)


def parse_factors(text: str) -> tuple[str, ...]:
    """Read factors separated by semicolons."""
    return tuple(factor for factor in text.split(SEPARATOR) if factor)


def dose_text(dose: Mapping[str, float]) -> str:
    """Write doses with all digits: `updates=5; learning rate=0.1`."""
    return SEPARATOR.join(f"{what}={all_digits(amount)}" for what, amount in dose.items())


def parse_dose(text: str) -> dict[str, float]:
    """Read what `dose_text` wrote.

    Raises:
        ValueError: the text is something else.
    """
    pairs = (part.rpartition("=") for part in text.split(SEPARATOR) if part)
    return {what: float(amount) for what, _, amount in pairs}
