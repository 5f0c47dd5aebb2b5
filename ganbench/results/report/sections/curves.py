"""Figures for each data set: what the seeds ended with, and curves over training."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from markupsafe import Markup

from ganbench.results.report.sections.base import Report, Section, fill
from ganbench.results.report.svg import swatch

TEMPLATE = """
<nav class="methods" aria-label="Methods: press to hide or show">
{% for name, colour, dashes in methods %}
  <button type="button" aria-pressed="true" data-method="{{ loop.index0 }}"><svg viewBox="0 0 24 8" width="24" \
height="8" aria-hidden="true"><line x1="1" x2="23" y1="4" y2="4" stroke="{{ colour }}" stroke-width="3"\
{% if dashes %} stroke-dasharray="{{ dashes }}"{% endif %}/></svg>{{ name }}</button>
{% endfor %}
</nav>
{% for dataset, drawn in figures.items() if drawn %}
<h3>{{ dataset }}</h3>
<div class="figures">
{% for title, figure in drawn.items() %}
  <figure role="img" aria-label="{{ title }} on {{ dataset }}, with one colour per method; all values are in \
results.csv">{{ figure|safe }}</figure>
{% endfor %}
</div>
{% endfor %}
"""


class Drawn(NamedTuple):
    """Name, colour and dash pattern of each method, and figures as SVG by data set and title."""

    methods: list[tuple[str, str, str]]
    figures: dict[str, dict[str, str]]


class Curves(Section[Drawn]):
    title: ClassVar[str] = "Figures"
    anchor: ClassVar[str] = "figures"
    place: ClassVar[int] = 20

    def content(self, report: Report) -> Drawn:
        methods = [(name, *swatch(number)) for name, number in report.numbers.items()]
        return Drawn(methods, report.figures)

    def html(self, content: Drawn) -> Markup:
        return fill(TEMPLATE, methods=content.methods, figures=content.figures)
