"""The comparison of all groups as a table, and the same in words."""

from __future__ import annotations

from typing import ClassVar

import pandas as pd
from markupsafe import Markup

from ganbench.core.formatting import on_scale
from ganbench.results.compare import Comparison
from ganbench.results.report.escaping import for_markdown
from ganbench.results.report.sections.base import Report, Section, fill
from ganbench.results.report.tables import cells, comparison_as_markdown, note

TEMPLATE = """
<div class="scroll" tabindex="0" role="region" aria-label="Comparison"><table>
  <thead><tr>{% for cell in head %}<th scope="col">{{ cell }}</th>{% endfor %}</tr></thead>
  <tbody>
{% for row in rows %}
  <tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
{% for row in floors %}
  <tr class="floor">{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
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
    place: ClassVar[int] = 40

    def content(self, report: Report) -> Comparison:
        return report.comparison

    def html(self, content: Comparison) -> Markup:
        head, rows, floors = cells(content)
        words = {"note": _sentence(note(content, rows)), "sentences": in_words(content)}
        return fill(TEMPLATE, head=head, rows=rows, floors=floors, **words)

    def markdown(self, content: Comparison) -> str:
        _, rows, _ = cells(content)
        sentences = "\n".join(f"- {for_markdown(sentence)}" for sentence in in_words(content))
        return f"{comparison_as_markdown(content)}\n\n{_sentence(note(content, rows))}\n\n{sentences}"


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
