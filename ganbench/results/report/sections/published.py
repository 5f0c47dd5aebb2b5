"""Published numbers for the same data."""

from __future__ import annotations

from typing import ClassVar

from markupsafe import Markup

from ganbench.results.claims import Claim
from ganbench.results.report.claims import published_beside
from ganbench.results.report.sections.base import Report, Section, fill

TEMPLATE = """
<p class="note">Published numbers for the same data. A number can be compared with ours only if the protocol is the
same.</p>
<div class="scroll tall" tabindex="0" role="region" aria-label="What papers claim"><table>
  <thead><tr>{% for cell in head %}<th scope="col">{{ cell }}</th>{% endfor %}</tr></thead>
  <tbody>
{% for claim, difference in published %}
  <tr><td>{{ claim.paper }} {{ claim.year }}, {{ claim.place }}</td><td>{{ claim.dataset }}</td>
  <td>{{ claim.method }}</td><td>{{ claim.metric }}</td><td>{{ claim.text }}</td><td>{{ claim.runs or "–" }}</td>
  <td class="wrap">{{ difference or "same protocol" }}</td></tr>
{% endfor %}
  </tbody>
</table></div>
"""
HEAD = ("paper", "data", "method", "metric", "value", "runs", "comparable?")


class Published(Section[list[tuple[Claim, str]]]):
    title: ClassVar[str] = "What papers claim"
    anchor: ClassVar[str] = "published"
    place: ClassVar[int] = 60

    def content(self, report: Report) -> list[tuple[Claim, str]] | None:
        return published_beside(report.table, report.comparison.metrics) or None

    def html(self, content: list[tuple[Claim, str]]) -> Markup:
        return fill(TEMPLATE, head=HEAD, published=content)
