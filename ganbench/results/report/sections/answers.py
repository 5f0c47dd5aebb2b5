"""The answers as a grid: which method is the best by each metric, and what the seeds leave open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from markupsafe import Markup, escape

from ganbench.core.errors import GanbenchError
from ganbench.results.answer_grid import (
    BASELINE,
    BETTER,
    OPEN,
    TOO_FEW,
    UNRANKED,
    WORSE,
    Grid,
    answer_grids,
    baseline_grids,
)
from ganbench.results.answers import sentences
from ganbench.results.report.escaping import for_markdown
from ganbench.results.report.metric_links import metric_links
from ganbench.results.report.sections.base import Report, Section, fill
from ganbench.results.report.tables import markdown

KEY = {
    BETTER: "better than every other method",
    OPEN: "not shown to be worse than the leading one",
    TOO_FEW: "too few seeds to tell",
    WORSE: "worse than the leading one",
    UNRANKED: "not ranked",
}
KEY_OF_BASELINE = KEY | {
    BETTER: "better than the baseline",
    OPEN: "not shown to be better or worse",
    WORSE: "worse than the baseline",
    BASELINE: "the baseline (p with Holm's correction over all of the grid)",
}
COLOURS = {
    BETTER: "better",
    OPEN: "open",
    TOO_FEW: "open",
    WORSE: "worse",
    UNRANKED: "unranked",
    BASELINE: "unranked",
}
"""Class names of the marks."""
TEMPLATE = """
{% for grid in grids %}
{% if grids|length > 1 %}
<h3>{{ grid.setting }}</h3>
{% endif %}
<div class="scroll" tabindex="0" role="region" aria-label="Methods by metrics, {{ grid.setting }}">\
<table class="answers">
  <thead><tr><th scope="col">method</th>{% for metric in grid.metrics %}<th scope="col">\
{% if metric in links %}<a href="{{ links[metric] }}">{{ metric }}</a>{% else %}{{ metric }}{% endif %}\
<small>{{ labels.get(metric, "") }}</small></th>{% endfor %}</tr></thead>
  <tbody>
{% set number = loop.index %}
{% for name, cells in grid.rows %}
{% set row = loop.index %}
  <tr><th scope="row">{{ breakable(name) }}</th>{% for cell in cells %}
{% set id = "answer-%d-%d-%d"|format(number, row, loop.index) %}
<td><button type="button" class="mark {{ colours[cell.mark] }}" aria-describedby="{{ id }}">{{ cell.mark }}</button>\
<span class="says" role="tooltip" id="{{ id }}">{{ cell.sentence }}.</span></td>{% endfor %}</tr>
{% endfor %}
  </tbody>
</table></div>
{% endfor %}
<p class="note">{{ key }}. Point at a mark, tap it or move to it with the tab key: it says by how much.</p>
<details><summary>In sentences</summary>
<ul class="findings">
{% for sentence in sentences %}
  <li>{{ sentence }}.</li>
{% endfor %}
</ul></details>
"""


@dataclass(frozen=True)
class Answered:
    """Grids and sentences on the same rankings, the label of each metric and the address of its documentation, by its
    heading, and the meaning of each mark.
    """

    grids: list[Grid]
    sentences: list[str]
    labels: dict[str, str]
    links: dict[str, str]
    meanings: dict[str, str]

    @property
    def key(self) -> str:
        marks = {cell.mark for grid in self.grids for _, cells in grid.rows for cell in cells}
        return "; ".join(f"{mark} {words}" for mark, words in self.meanings.items() if mark in marks)


class Answers(Section[Answered]):
    title: ClassVar[str] = "Which is better?"
    anchor: ClassVar[str] = "answers"
    place: ClassVar[int] = 16

    def content(self, report: Report) -> Answered | None:
        comparison, baseline = report.comparison, report.about.baseline
        if not comparison.rankings:
            if baseline:
                raise GanbenchError("there is nothing to set against a baseline: no two groups were scored alike")
            return None
        rankings = comparison.rankings
        grids = baseline_grids(rankings, baseline) if baseline else answer_grids(rankings)
        meanings = KEY_OF_BASELINE if baseline else KEY
        labels = {comparison.heading(metric): label for metric, label in comparison.labels.items()}
        links = {comparison.heading(metric): link for metric, link in metric_links().items()}
        return Answered(grids, sentences(rankings), labels, links, meanings)

    def html(self, content: Answered) -> Markup:
        return fill(
            TEMPLATE,
            grids=content.grids,
            sentences=content.sentences,
            labels=content.labels,
            links=content.links,
            colours=COLOURS,
            key=content.key,
            breakable=_breakable,
        )

    def markdown(self, content: Answered) -> str:
        parts = []
        for grid in content.grids:
            rows = [[name, *(cell.mark for cell in cells)] for name, cells in grid.rows]
            head = f"{for_markdown(grid.setting)}:\n\n" if len(content.grids) > 1 else ""
            parts.append(head + markdown(["method", *grid.metrics], rows))
        findings = "\n".join(f"- {for_markdown(sentence)}." for sentence in content.sentences)
        return "\n\n".join([*parts, f"{content.key}.", findings])


def _breakable(name: str) -> Markup:
    """The name of a method as HTML that may be broken inside the names of its options, for narrow screens."""
    text = str(escape(name))
    for sign in "._=":
        text = text.replace(sign, f"{sign}<wbr>")
    return Markup(text)
