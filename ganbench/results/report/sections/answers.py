"""The answer for each metric: the better method, or the reason why that is undecided."""

from __future__ import annotations

from typing import ClassVar

from markupsafe import Markup

from ganbench.results.ranking import sentences
from ganbench.results.report.sections.base import Report, Section, fill

TEMPLATE = """
<ul class="findings">
{% for sentence in sentences %}
  <li>{{ sentence }}.</li>
{% endfor %}
</ul>
"""


class Answers(Section):
    title: ClassVar[str] = "Which is better?"
    place: ClassVar[int] = 30

    def applies(self, report: Report) -> bool:
        return bool(report.comparison.rankings)

    def html(self, report: Report) -> Markup:
        return fill(TEMPLATE, sentences=sentences(report.comparison.rankings))

    def markdown(self, report: Report) -> str:
        return "\n".join(f"- {sentence}." for sentence in sentences(report.comparison.rankings))
