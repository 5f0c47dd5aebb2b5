"""The answer first: in how many seeds of each method a mode is missing, and in how many the count isn't complete."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from markupsafe import Markup

from ganbench.core.mode_words import with_noun
from ganbench.results.incomplete_seeds import Incomplete, incomplete_counts, lost_modes
from ganbench.results.report.escaping import for_markdown
from ganbench.results.report.sections.base import Report, Section, fill

TEMPLATE = """
<div class="covered">
{% for sentence in sentences %}
<div><p class="lead">{{ sentence.beginning }}</p>
<ul>{% for end in sentence.ends %}<li>{{ end }}</li>{% endfor %}</ul></div>
{% endfor %}
</div>
<p class="note">A mode is missing if it has less than a tenth of its fair share of all samples. It is covered by the
protocol's count if enough good samples are in it: a mode that isn't covered may be there, with samples beside it. Seeds
that failed count among both. In brackets: 95 % confidence interval of the share (Clopper and Pearson).</p>
"""


class Covered(NamedTuple):
    """Sentences on each data set, and the plural noun for modes in what stands around them."""

    sentences: list[Incomplete]
    noun: str


class CoveredModes(Section[Covered]):
    title: ClassVar[str] = "Are all modes there?"
    anchor: ClassVar[str] = "modes"
    place: ClassVar[int] = 10

    def content(self, report: Report) -> Covered | None:
        lost, incomplete = lost_modes(report.table, report.names), incomplete_counts(report.table, report.names)
        by_data = sorted([*lost, *incomplete], key=lambda sentence: sentence.beginning.partition(",")[0])
        return Covered(by_data, report.comparison.noun) if by_data else None

    def html(self, content: Covered) -> Markup:
        return fill(with_noun(TEMPLATE, content.noun), sentences=content.sentences)

    def markdown(self, content: Covered) -> str:
        return "\n\n".join(
            "\n".join([for_markdown(sentence.beginning), "", *(f"- {for_markdown(end)}" for end in sentence.ends)])
            for sentence in content.sentences
        )
