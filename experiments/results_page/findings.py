"""What a study shows, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ganbench.results.brief import Brief
from ganbench.results.report.escaping import for_markdown


@dataclass(frozen=True)
class Findings:
    """Sentences, pictures and tables.

    Attributes:
        known, undecided: sentences about what is decided, and about what isn't.
        pictures: with their captions.
        brief: the short answers, each beginning with a headline; empty if there is no shorter way to say what is known.
        tables: all comparisons, decided or not.
    """

    known: Sequence[str] = ()
    undecided: Sequence[str] = ()
    pictures: Sequence[str] = ()
    brief: Sequence[str] = ()
    tables: Sequence[str] = ()


def headed(briefs: Iterable[Brief]) -> list[str]:
    """Short answers, each with its headline in bold."""
    return [
        f"**{for_markdown(brief.headline[:1].upper() + brief.headline[1:])}.** {for_markdown(brief.evidence)}"
        for brief in briefs
    ]
