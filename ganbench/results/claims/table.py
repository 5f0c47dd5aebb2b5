"""The table of published results: its columns, reading it, and selecting from it."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from ganbench.core.errors import GanbenchError
from ganbench.core.registry import near_miss

PUBLISHED = Path(__file__).parent / "published.csv"
SPREADS = ("sd", "se", "ci95", "range", "unknown", "none")
"""Meanings of a paper's ±: standard deviation, standard error, 95 % interval, range, unknown, or none (one run)."""


@dataclass(frozen=True)
class Claim:
    """One published number.

    Attributes:
        place: table, figure or section of the paper.
        protocol: ours, if it is the same; else empty.
        method: the paper's name for it.
        loss, arch, options: ours, if there is an equivalent; else empty. Networks are part of it: the architecture,
            with the options `arch.…` and `wrapper` of `options`, and its defaults for the rest.
        spread: the number after ±; NaN if there is none.
        runs: number of runs behind the number; None if the paper doesn't say.
        first_hand: True if the number was read in the paper itself or in its authors' repository; False if another
            paper quotes it, or if it couldn't be checked: the caveat then begins with "second-hand".
        caveat: facts needed to interpret it.
    """

    id: str
    paper: str
    year: int
    arxiv: str
    place: str
    dataset: str
    protocol: str
    method: str
    loss: str
    arch: str
    options: str
    metric: str
    value: float
    spread: float
    spread_kind: str
    runs: int | None
    first_hand: bool
    caveat: str

    @property
    def text(self) -> str:
        """`6.3 ± 0.5`."""
        return f"{self.value:g}" if math.isnan(self.spread) else f"{self.value:g} ± {self.spread:g}"


NO_WORDS = ("year", "value", "spread", "runs", "first_hand")
"""Columns that hold numbers, or `yes` and `no`."""
COLUMNS = tuple(field.name for field in fields(Claim))


def read_claims(path: Path = PUBLISHED) -> tuple[Claim, ...]:
    """Read all claims of a file.

    Raises:
        GanbenchError: the file can't be read, or a row isn't a claim; the message gives its line.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, strict=True))
            head = tuple(rows[0]) if rows else COLUMNS
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise GanbenchError(f"claims '{path}' can't be read: {error}") from error
    missing = [name for name in COLUMNS if name not in head]
    if missing:
        raise GanbenchError(f"claims '{path}' lack the columns {', '.join(missing)}")
    claims = tuple(_claim(row, f"claims '{path}', line {line}") for line, row in enumerate(rows, start=2))
    ids = [claim.id for claim in claims]
    for line, name in enumerate(ids, start=2):
        if ids.index(name) != line - 2:
            raise GanbenchError(f"claims '{path}', line {line}: there is already a claim '{name}'")
    return claims


def select(claims: Iterable[Claim], conditions: Mapping[str, Sequence[str]]) -> list[Claim]:
    """Return the claims that meet all conditions.

    A condition lists the accepted values of a column; case is ignored.

    Raises:
        GanbenchError: there is no such column, or no claim meets the conditions.
    """
    for column in conditions:
        if column not in COLUMNS:
            raise GanbenchError(f"claims have no column '{column}': {near_miss(column, COLUMNS)}")
    selected = list(claims)
    for column, words in conditions.items():
        wanted = {word.casefold() for word in words}
        values = sorted({_word(claim, column) for claim in selected} - {""})
        selected = [claim for claim in selected if _word(claim, column).casefold() in wanted]
        if not selected:
            raise GanbenchError(f"no claim has {column} = {' or '.join(words)}; there is {', '.join(values)}")
    return selected


def difference(claim: Claim, dataset: str, protocol: str) -> str:
    """Explain why a number of ours can't be compared with a claim; empty if both were measured in the same way.

    Args:
        protocol: a protocol's label as in tables: `pacgan-2018 v1`.
    """
    if claim.dataset != dataset:
        return f"data differ: {claim.dataset}, not {dataset}"
    name, _, version = protocol.partition(" ")
    if claim.protocol == "":
        return f"protocol differs: {claim.caveat or 'no protocol of ours is the same'}"
    if claim.protocol != name:
        return f"protocol differs: {claim.protocol}, not {name}"
    # The version may be followed by deviations from the protocol: `v1 at N=1,000`, `v1, best:fid`.
    return "" if re.fullmatch(r"v\d+", version) else f"protocol differs: {protocol}, not {claim.protocol} alone"


def _word(claim: Claim, column: str) -> str:
    value = getattr(claim, column)
    return ("yes" if value else "no") if isinstance(value, bool) else "" if value is None else str(value)


def _claim(row: Mapping[str, str | None], where: str) -> Claim:
    values = {name: row.get(name) for name in COLUMNS}
    # In a row that is too short a value is None; a row that is too long has values under the key None.
    if None in values.values() or None in row:
        raise GanbenchError(f"{where}: it has another number of columns than the first line")
    text = {name: str(value) for name, value in values.items()}
    words = {name: word for name, word in text.items() if name not in NO_WORDS}
    try:
        claim = Claim(
            **words,
            year=int(text["year"]),
            value=float(text["value"]),
            spread=float(text["spread"]) if text["spread"] else math.nan,
            runs=int(text["runs"]) if text["runs"] else None,
            first_hand={"yes": True, "no": False}[text["first_hand"]],
        )
    except (ValueError, KeyError) as error:
        raise GanbenchError(f"{where}: {error} is no value for its column") from error
    if not (claim.id and claim.paper and claim.metric and math.isfinite(claim.value)):
        raise GanbenchError(f"{where}: a claim needs an id, a paper, a metric and a finite value")
    if claim.spread_kind not in SPREADS or claim.spread < 0 or math.isinf(claim.spread):
        raise GanbenchError(f"{where}: the spread's kind is one of {', '.join(SPREADS)}, and a spread is not negative")
    return claim
