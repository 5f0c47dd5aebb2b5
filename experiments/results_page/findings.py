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
        of_rule: where the study's rule tells no methods apart; the page says so first.
        briefs: the answers, the most important first; empty if there is no shorter way to say what is known.
        known, undecided: further sentences about what is decided, and about what isn't.
        pictures: with their captions.
        tables: all comparisons, decided or not.
    """

    of_rule: Sequence[Brief] = ()
    briefs: Sequence[Brief] = ()
    known: Sequence[str] = ()
    undecided: Sequence[str] = ()
    pictures: Sequence[str] = ()
    tables: Sequence[str] = ()

    @property
    def short_answers(self) -> Sequence[str]:
        """What is decided, each answer with its headline in bold and the evidence in a sentence."""
        return [_headed(brief, [brief.evidence]) for brief in self.briefs] or self.known

    @property
    def samples(self) -> str:
        """The first picture of samples; empty without one."""
        return next((drawn for drawn in self.pictures if "-samples.png)" in drawn), "")

    @property
    def full_answers(self) -> Sequence[str]:
        """What is decided, with all evidence."""
        briefs = [*self.of_rule, *self.briefs]
        return [*(_headed(brief, [brief.evidence, *brief.details]) for brief in briefs), *self.known]

    @property
    def rule_answers(self) -> Sequence[str]:
        """What is to be said of the study's rule."""
        return [_headed(brief, [brief.evidence]) for brief in self.of_rule]


def _headed(brief: Brief, sentences: Iterable[str]) -> str:
    return f"**{for_markdown(brief.headline[:1].upper() + brief.headline[1:])}.** {for_markdown('. '.join(sentences))}"
