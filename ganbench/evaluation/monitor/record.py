"""The record of a monitor: a row for each set of samples, and its form as plain values."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ganbench.core.errors import GanbenchError
from ganbench.core.mode_words import with_noun
from ganbench.core.registry import MAX_INTEGER
from ganbench.evaluation.collapse_detector import Event
from ganbench.evaluation.history import from_plain, to_plain
from ganbench.evaluation.monitor.base import RealData
from ganbench.evaluation.observation import Observation

FORMAT = 1
"""Version of the plain form."""
MEASURES = ("width", "duplicates", "covered")
"""Numbers of an observation's summary; those that are undefined become null, since JSON has no NaN."""


@dataclass(frozen=True)
class Row:
    """A set of samples.

    Attributes:
        observation: what the collapse detector sees.
        numbers: scores, shares and events by name.
        word: the verdict in one word; empty if there is none.
        clauses: the verdict in words.
    """

    observation: Observation
    numbers: dict[str, float]
    word: str
    clauses: Sequence[str]


@dataclass
class Record:
    """The rows so far, and the step at which samples or outputs were not finite."""

    rows: list[Row] = field(default_factory=list)
    diverged_at: int | None = None

    @property
    def observations(self) -> list[Observation]:
        """The observations so far."""
        return [row.observation for row in self.rows]

    @property
    def divergence(self) -> Event | None:
        """The event that ended the record, if one did."""
        if self.diverged_at is None:
            return None
        return Event(self.diverged_at, "divergence", 1.0, "samples or outputs were not finite")

    def check_step(self, step: int) -> None:
        """Refuse a step that isn't after the last one.

        Raises:
            GanbenchError: it isn't, or it isn't a whole number.
        """
        if not is_whole_number(step):
            raise GanbenchError(f"step must be a whole number from 0, not {step!r}")
        if self.rows and step <= self.rows[-1].observation.step:
            raise GanbenchError(
                f"step {step:,} is not after step {self.rows[-1].observation.step:,}, the last one: to go back to a "
                f"checkpoint, load the monitor's state that was saved with it"
            )

    def summary(self, events: Sequence[Event], mode_word: str) -> str:
        """The verdict on the last samples, and a line for each event.

        Args:
            mode_word: the plural noun for modes.
        """
        if self.diverged_at is not None:
            lines = [f"DIVERGED at step {self.diverged_at:,}: samples or outputs were not finite"]
        elif not self.rows:
            return "NOTHING YET: no samples were measured"
        else:
            row = self.rows[-1]
            lines = [f"{row.word} at step {row.observation.step:,}: {'; '.join(row.clauses)}"]
        lines += [f"step {event.step:,}: {with_noun(f'{event.kind}: {event.words}', mode_word)}" for event in events]
        return "\n".join(lines)

    def to_plain(self) -> dict[str, Any]:
        """The record as values that JSON has."""
        return {"format": FORMAT, "diverged_at": self.diverged_at, "rows": list(map(_row_to_plain, self.rows))}

    @staticmethod
    def from_plain(state: Mapping[str, Any], real: RealData) -> tuple[Record, dict[str, str]]:
        """A record from plain values, and what was found out about the form of samples.

        Raises:
            GanbenchError: it isn't such a record, or one beside other real data.
        """
        if not isinstance(state, Mapping) or state.get("format") != FORMAT:
            raise GanbenchError("this is not the state of a monitor of this version of ganbench")
        identity = state.get("identity")
        for name, value in real.identity.items():
            _refuse_other(name, identity.get(name) if isinstance(identity, Mapping) else None, value)
        try:
            rows = [_row_from_plain(values, len(real.mode_names)) for values in state["rows"]]
            diverged_at = state["diverged_at"]
            reading = {str(name): str(value) for name, value in state["reading"].items()}
            steps = [row.observation.step for row in rows]
            if not all(map(is_whole_number, steps)) or sorted(set(steps)) != steps:
                raise ValueError("steps")
            if not (diverged_at is None or is_whole_number(diverged_at)):
                raise ValueError("diverged_at")
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise GanbenchError(f"this state of a monitor is damaged ({type(error).__name__}: {error})") from error
        for name in sorted(reading.keys() & real.reading.keys()):
            _refuse_other(name, reading[name], real.reading[name])
        return Record(rows, diverged_at), reading


def _refuse_other(name: str, value: object, wanted: str) -> None:
    if value != wanted:
        raise GanbenchError(f"this state is of another {name}: {value!r}, not {wanted!r}")


def _row_to_plain(row: Row) -> dict[str, Any]:
    observation = to_plain(row.observation)
    sight: dict[str, Any] = {name: None if value != value else value for name, value in observation["sight"].items()}
    sight |= {name: list(sight[name]) for name in ("counts", "appearing")}
    critic = None if row.observation.critic is None else list(row.observation.critic)
    plain = {**observation, "sight": sight, "critic": critic}
    return {**plain, "numbers": dict(row.numbers), "word": row.word, "clauses": list(row.clauses)}


def _row_from_plain(values: Mapping[str, Any], modes: int) -> Row:
    sight = dict(values["sight"])
    sight |= {name: math.nan if sight[name] is None else float(sight[name]) for name in MEASURES}
    critic = None if values["critic"] is None else [float(mean) for mean in values["critic"]]
    if critic is not None and not (len(critic) == 2 and all(map(math.isfinite, critic))):
        raise ValueError("critic")
    observation = from_plain({"step": values["step"], "sight": sight, "critic": critic})
    summary = observation.summary
    counted = [*summary.counts, *summary.appearing, summary.samples]
    measured = [getattr(summary, name) for name in MEASURES]
    if len(summary.counts) != modes or len(summary.appearing) != modes or not all(map(is_whole_number, counted)):
        raise ValueError("counts")
    if summary.samples < 1 or any(value < 0 for value in measured):
        raise ValueError("measures")
    numbers = {str(name): float(value) for name, value in values["numbers"].items()}
    return Row(observation, numbers, str(values["word"]), [str(clause) for clause in values["clauses"]])


def plain_integer(value: Any) -> Any:
    """A whole number of NumPy or another library as an int; anything else as it is, for others to refuse."""
    if isinstance(value, bool):
        return value
    try:
        return operator.index(value)
    except TypeError:
        return value


def is_whole_number(value: object) -> bool:
    """True for a whole number from 0 on that is not absurdly large, such as a step or a count."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MAX_INTEGER
