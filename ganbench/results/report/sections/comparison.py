"""The comparison of all groups as a table, and the same in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import pandas as pd
from markupsafe import Markup

from ganbench.core.formatting import on_scale
from ganbench.results.compare import Comparison
from ganbench.results.report.escaping import for_markdown
from ganbench.results.report.metric_links import metric_links
from ganbench.results.report.sections.base import Report, Section, fill
from ganbench.results.report.tables import cells, comparison_as_markdown, note

TEMPLATE = """
<div class="scroll" tabindex="0" role="region" aria-label="Comparison"><table class="sortable">
  <thead><tr>{% for cell in head %}<th scope="col">\
{% if links.get(cell) %}<a href="{{ links[cell] }}">{{ cell }}</a>{% else %}{{ cell }}{% endif %}</th>\
{% endfor %}</tr></thead>
  <tbody>
{% for row in rows %}
  <tr><th scope="row">{{ row[0] }}</th>{% for cell in row[1:] %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
  </tbody>
  <tbody class="floor">
{% for row in floors %}
  <tr><th scope="row">{{ row[0] }}</th>{% for cell in row[1:] %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
  </tbody>
</table></div>
<p class="note">{{ note }}
“Real data” is the floor: real samples scored as if they were generated.</p>
<details><summary>The same in words</summary>
<ul class="findings">
{% for sentence in sentences %}
  <li>{{ sentence }}</li>
{% endfor %}
</ul></details>
"""


class ComparisonTable(Section[Comparison]):
    title: ClassVar[str] = "Comparison"
    anchor: ClassVar[str] = "comparison"
    place: ClassVar[int] = 18

    def content(self, report: Report) -> Comparison:
        return report.comparison

    def html(self, content: Comparison) -> Markup:
        head, rows, floors = cells(content)
        scores = head[head.index("failed") + 1 : -2]
        links = {cell: metric_links().get(name, "") for cell, name in zip(scores, content.metrics, strict=True)}
        return fill(
            TEMPLATE,
            head=_scores_first(head, head),
            links=links,
            rows=[_scores_first(head, row) for row in rows],
            floors=[_scores_first(head, row) for row in floors],
            note=_sentence(note(content, rows)),
            sentences=in_words(content),
        )

    def markdown(self, content: Comparison) -> str:
        _, rows, _ = cells(content)
        sentences = "\n".join(f"- {for_markdown(sentence)}" for sentence in in_words(content))
        return f"{comparison_as_markdown(content)}\n\n{_sentence(note(content, rows, for_markdown))}\n\n{sentences}"


def _scores_first(head: Sequence[str], row: Sequence[str]) -> list[str]:
    """Reorder the cells of a row: names, scores, seeds, budget, and last what is mostly the same in all rows."""
    names, metrics = head.index("protocol"), head.index("failed") + 1
    protocol, samples, *seeds = row[names:metrics]
    return [*row[:names], *row[metrics:-2], *seeds, *row[-2:], samples, protocol]


def in_words(comparison: Comparison) -> list[str]:
    """Describe the comparison, in one sentence per group."""
    sentences = []
    for _, group in comparison.groups.iterrows():
        keys = ("dataset", "method") if group["name"] else ("dataset", "loss", "arch", "options")
        name = " · ".join(str(group[key]) for key in keys if group.get(key))
        seeds, finished = int(group["seeds"]), int(group["finished"] + group["collapsed"])
        parts = [f"{finished} of {seeds} seeds finished" if finished < seeds else f"{seeds} seed{'s' * (seeds > 1)}"]
        if finished:
            floor = comparison.floor_of(group)
            for metric in comparison.metrics:
                if not pd.isna(group[metric]):
                    real, ours = (on_scale(row[metric], comparison.scales.get(metric, "")) for row in (floor, group))
                    label = comparison.labels.get(metric, metric)
                    parts.append(f"median {label} {ours} (real data: {real})")
        sentences.append(f"{name}: {', '.join(parts)}.")
    return sentences


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
