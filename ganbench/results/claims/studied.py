"""Published differences in our studies, as `make results` writes them into the package."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

STUDIED = Path(__file__).parent / "studied.csv"


@dataclass(frozen=True)
class Studied:
    """A published difference in one of our studies.

    Attributes:
        better, worse: ids of the claims: the method that was published as better, and the other one.
        published: what the paper says, with both numbers.
        studies: the experiment files.
        outcome: `carries over`, `reverses` or `undecided`.
        evidence: how often the first is better here, with interval and test.
    """

    better: str
    worse: str
    published: str
    studies: str
    outcome: str
    evidence: str


def read_studied(path: Path = STUDIED) -> tuple[Studied, ...]:
    with path.open(newline="", encoding="utf-8") as file:
        return tuple(Studied(**row) for row in csv.DictReader(file))


def write_studied(rows: Iterable[Studied], path: Path = STUDIED) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Studied)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def of_claims(claims: Iterable[str], studied: Sequence[Studied]) -> list[Studied]:
    """Return what is said of differences between claims, by their ids, and others of their tables."""
    ids = set(claims)
    return [row for row in studied if ids & {row.better, row.worse}]


def in_words(row: Studied) -> str:
    """Say what is published, and what became of it here."""
    return (
        f"Published: {row.published}. With networks, budgets and scoring of ours ({row.studies}): {row.outcome}; "
        f"{row.evidence}."
    )
