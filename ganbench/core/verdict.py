"""The verdict on a set of samples, in three clauses: are they sharp, does every mode appear, do they vary?

Each clause compares the samples with equally many real ones; a difference counts only beyond five standard deviations
of what real samples vary by chance. The three are different faults: a generator can repeat ten perfect images, and a
blurred one may have every mode.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, NamedTuple

from ganbench.core.formatting import listed, number
from ganbench.core.mode_states import BEYOND_CHANCE, CROWDED, ModeState
from ganbench.core.mode_words import MODES, with_noun

MATTERS = 0.05
"""Smallest difference of a share that matters: fewer good samples, more in modes that have too many, more
near-duplicates, less of real data covered.
"""
DISPLACED = 0.1
"""Smallest distance of the modes from their places, beyond that of real samples, that matters; in σ."""
REPEATED = 0.2
"""Share of near-duplicates that narrow modes alone may have, since they bring samples nearer to each other."""
COPIED, REPEATED_COPIES = 0.05, 0.25
"""Share of copies beyond that of unseen real samples which counts as copying; the second one if samples are repeated,
since an image that resembles a training image by chance then counts as often as it is repeated.
"""
MAX_NAMED = 12
"""The most modes that are listed by name."""

Standing = Literal["as real", "worse", "better", "unlike real"]
"""The place of a number beside those of real samples: within chance of them, beyond it on either side, or beyond it on
a side that is neither better nor worse.
"""

VerdictFault = Literal[
    "not sharp", "displaced", "lost modes", "thin modes", "uneven", "repeated", "narrow", "uncovered", "copied"
]
"""The words of a verdict: samples off their modes (not sharp); sharp modes off their places (displaced); modes below a
tenth of their fair share (lost), below half of it (thin), or further from it than chance allows (uneven); the same
samples again (repeated); modes narrower than real ones (narrow); real data without a sample nearby (uncovered); samples
of training data or reference (copied).
"""


class Measured(NamedTuple):
    """A number beside that of real samples: their mean, and the standard deviation among equally many of them."""

    value: float
    real: float
    sd: float

    def is_above(self, least: float = 0.0) -> bool:
        """True if it is above that of real samples beyond chance, and by more than the least that matters."""
        return self.value > self.real + max(BEYOND_CHANCE * self.sd, least)

    def is_below(self, least: float = 0.0) -> bool:
        """True if it is below that of real samples beyond chance, and by more than the least that matters."""
        return self.value < self.real - max(BEYOND_CHANCE * self.sd, least)

    def standing(self, direction: str) -> Standing | None:
        """The number's place beside real samples, given its better direction; None if that can't be known."""
        if any(map(math.isnan, self)):
            return None
        if not self.is_above() and not self.is_below():
            return "as real"
        if direction == "real":
            return "unlike real"
        return "worse" if self.is_above() == (direction == "lower") else "better"


@dataclass(frozen=True)
class Verdict:
    """The verdict on a set of samples. What was not measured is None.

    Attributes:
        names: of all modes.
        states: the modes that are lost, thin or not sharp, by name; None if shares of modes aren't known.
        good: share of good samples.
        misplaced: share of samples that would have to change their mode for all shares to be fair.
        near_duplicates: share of samples that are near-duplicates of others.
        different: effective number of different samples.
        displacement: mean distance of the modes from their places, in σ; real samples have some by chance.
        width: of the modes around their own centres, 1 for real data; NaN if there is none.
        covered: share of real samples with a generated one nearby.
        copies: share of samples that are copies of training or reference data.
        crowded: the modes with far more samples than their fair share; of many modes, one is few samples.
    """

    names: Sequence[str]
    states: Mapping[str, ModeState] | None
    good: Measured | None = None
    misplaced: Measured | None = None
    near_duplicates: Measured | None = None
    different: Measured | None = None
    displacement: Measured | None = None
    width: Measured | None = None
    covered: Measured | None = None
    copies: Measured | None = None
    crowded: Sequence[str] = ()

    @property
    def modes(self) -> int:
        """Number of all modes."""
        return len(self.names)

    @property
    def measured(self) -> dict[str, Measured]:
        """The numbers that were measured, by name."""
        numbers = {option.name: getattr(self, option.name) for option in fields(self)}
        return {name: number for name, number in numbers.items() if isinstance(number, Measured)}

    @property
    def faults(self) -> frozenset[VerdictFault]:
        """The faults that the verdict names."""
        states = set((self.states or {}).values())
        narrow = _is_below(self.width)
        repeated = self._is_repeated(narrow)
        blurred = _is_below(self.good, MATTERS)
        found: dict[VerdictFault, bool] = {
            "not sharp": blurred,
            "displaced": not blurred and _is_above(self.displacement, DISPLACED),
            "lost modes": "lost" in states,
            "thin modes": "thin" in states,
            "uneven": self._is_uneven() or self._is_crowded(),
            "repeated": repeated,
            "narrow": narrow,
            "uncovered": _is_below(self.covered, MATTERS),
            "copied": _is_above(self.copies, REPEATED_COPIES if repeated else COPIED),
        }
        return frozenset(fault for fault, is_found in found.items() if is_found)

    def _is_uneven(self) -> bool:
        """True if many samples are in modes that have too many, beyond chance."""
        return _is_above(self.misplaced) and _without_chance(self.misplaced) > MATTERS

    def _is_crowded(self) -> bool:
        """True if modes are crowded, and not because others are lost; earlier versions didn't ask."""
        return len(self.crowded) > 0 and self.misplaced is not None and "lost" not in (self.states or {}).values()

    def _is_repeated(self, narrow: bool) -> bool:
        """True if there are more near-duplicates than chance, narrow modes and crowding in few modes explain."""
        if self.near_duplicates is None or not self.near_duplicates.is_above():
            return False
        present = self.modes - len(self.of_state("lost"))
        if not narrow and present == self.modes:
            return self.near_duplicates.is_above(MATTERS)
        # With all samples in a part of the modes, each has that many times as many neighbours.
        crowded: float = 1 - (1 - self.near_duplicates.real) ** (self.modes / max(1, present))
        return self.near_duplicates.value > crowded + REPEATED

    def to_dict(self, word: str = MODES) -> dict[str, Any]:
        """Plain values for JSON: the faults, the clauses with this word, the states of modes, and each number."""
        return {
            "faults": sorted(self.faults),
            "clauses": self.clauses(word),
            "modes": None if self.states is None else dict(self.states),
            **{name: measured._asdict() for name, measured in self.measured.items()},
        }

    def of_state(self, state: ModeState) -> list[str]:
        """The names of the modes in a state."""
        return [name for name, its_state in (self.states or {}).items() if its_state == state]

    def clauses(self, word: str = MODES) -> list[str]:
        """The verdict in words: sharpness, modes, variety, as far as they were measured.

        Args:
            word: the plural noun for modes.
        """
        return [with_noun(clause, word) for clause in (*self._sharpness(), *self._modes(word), *self._variety())]

    def _sharpness(self) -> list[str]:
        if self.good is None:
            return []
        clauses = [f"{self.good.value:.1%} of samples are good (real data: {self.good.real:.1%})"]
        if "displaced" in self.faults and self.displacement is not None:
            clauses.append(
                f"modes lie {number(self.displacement.value)} sd off their places (real data: "
                f"{number(self.displacement.real)})"
            )
        return clauses

    def _modes(self, word: str) -> list[str]:
        uneven = []
        if self._is_uneven() and self.misplaced is not None:
            uneven = [
                f"{self.misplaced.value:.1%} of samples are in modes that have too many (real data: "
                f"{self.misplaced.real:.1%})"
            ]
        elif self._is_crowded():
            has = "has" if len(self.crowded) == 1 else "have"
            uneven = [f"{_listed(self.crowded)} {has} more than {number(CROWDED)} times the fair share of samples"]
        if self.states is None:
            return uneven
        lost, thin, blurred = self.of_state("lost"), self.of_state("thin"), self.of_state("not sharp")
        present = [name for name in self.names if name not in lost]
        appear = f"{len(present):,} of {self.modes:,} {word} appear{'s' * (len(present) == 1)}"
        faults = [
            f"{_listed(names)} {_are(names)} {state}"
            for state, names in (("missing", lost), ("thin", thin), ("not sharp", blurred))
            if names
        ]
        if len(blurred) == self.modes:
            faults = ["none of them is sharp"]
        if not lost:
            clause = f"all {self.modes:,} {word} appear" + (f", but {faults[0]}" if faults else "")
            clause = ", ".join([clause, *faults[1:]])
        elif 0 < len(present) < len(lost) and len(present) <= MAX_NAMED:
            clause = ", ".join([f"only {appear} ({_listed(present)})", *faults[1:]])
        else:
            clause = ", ".join([appear, *faults])
        return [clause, *uneven]

    def _variety(self) -> list[str]:
        faults, phrases = self.faults, []
        if "repeated" in faults and self.near_duplicates is not None:
            phrase = (
                f"{self.near_duplicates.value:.1%} are near-duplicates of others "
                f"(real data: {self.near_duplicates.real:.1%})"
            )
            if self.different is not None:
                phrase += f", as of about {number(self.different.value)} different ones"
            phrases.append(phrase)
        if "narrow" in faults and self.width is not None:
            phrases.append(f"modes are {self.width.value:.0%} as wide as real ones")
        if "uncovered" in faults and self.covered is not None:
            phrases.append(f"they cover {self.covered.value:.1%} of real data (real data: {self.covered.real:.1%})")
        if "copied" in faults and self.copies is not None:
            phrases.append(f"{self.copies.value:.1%} are copies of real data")
        if phrases:
            return phrases
        measured = self.near_duplicates is not None and self.covered is not None
        return ["they vary like real data"] if measured else []


def _without_chance(misplaced: Measured | None) -> float:
    """The share of misplaced samples without what real ones show by chance.

    A surplus of the shares is nearly a length, and chance is at right angles to a fault: their squares add up.
    """
    if misplaced is None:
        return 0.0
    return math.sqrt(max(0.0, misplaced.value**2 - misplaced.real**2))


def _is_above(number: Measured | None, least: float = 0.0) -> bool:
    return number is not None and number.is_above(least)


def _is_below(number: Measured | None, least: float = 0.0) -> bool:
    return number is not None and number.is_below(least)


def _listed(names: Sequence[str]) -> str:
    if len(names) > MAX_NAMED:
        return f"{len(names):,} modes"
    return listed(names)


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
