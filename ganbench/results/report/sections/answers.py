"""The answer for each metric: the better method and by how much, or what the seeds leave open."""

from __future__ import annotations

from typing import ClassVar

from markupsafe import Markup

from ganbench.results.answers import sentences
from ganbench.results.report.escaping import for_markdown
from ganbench.results.report.sections.base import Report, Section, fill

TEMPLATE = """
<ul class="findings">
{% for sentence in sentences %}
  <li>{{ sentence }}.</li>
{% endfor %}
</ul>
"""


class Answers(Section[list[str]]):
    title: ClassVar[str] = "Which is better?"
    place: ClassVar[int] = 30

    def content(self, report: Report) -> list[str] | None:
        return sentences(report.comparison.rankings) or None

    def html(self, content: list[str]) -> Markup:
        return fill(TEMPLATE, sentences=content)

    def markdown(self, content: list[str]) -> str:
        return "\n".join(f"- {for_markdown(sentence)}." for sentence in content)
