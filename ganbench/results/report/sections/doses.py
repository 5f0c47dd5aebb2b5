"""Collapsed runs over doses, where an experiment fixed doses and a rule for collapsed runs in advance."""

from __future__ import annotations

from typing import ClassVar

from markupsafe import Markup

from ganbench.results.dose_curves import DoseCurves, dose_curves
from ganbench.results.report.escaping import for_markdown
from ganbench.results.report.sections.base import Report, Section, fill
from ganbench.results.report.study_charts import dose_chart
from ganbench.results.report.svg import svg

TEMPLATE = """
{% for doses, chart in content %}
<div><p class="lead">On {{ doses.dataset }}, by {{ doses.what }}</p>
<div class="figures single"><figure role="img" aria-label="Share of collapsed runs over {{ doses.what }}">\
{{ chart|safe }}</figure></div>
<ul>{% for curve in doses.curves %}<li><b>{{ curve.name }}</b>: {{ curve.sentence() }}.</li>{% endfor %}</ul></div>
{% endfor %}
<p class="note">A run counts as collapsed here if {{ rules }}, a rule that was fixed before the first run, or if it
has no score. The curve is logistic in the logarithm of the dose. In brackets: 95 % interval of the dose that collapses
half of the runs (profile likelihood); where two neighbouring doses are named, the runs don't say more.
</p>
"""


class Doses(Section[list[DoseCurves]]):
    title: ClassVar[str] = "Which dose collapses half of the runs?"
    anchor: ClassVar[str] = "doses"
    place: ClassVar[int] = 12

    def content(self, report: Report) -> list[DoseCurves] | None:
        return dose_curves(report.table) or None

    def html(self, content: list[DoseCurves]) -> Markup:
        drawn = [(doses, svg(dose_chart(doses))) for doses in content]
        return fill(TEMPLATE, content=drawn, rules=_rules(content))

    def markdown(self, content: list[DoseCurves]) -> str:
        parts = [f"A run counts as collapsed here if {for_markdown(_rules(content))}, or if it has no score."]
        for doses in content:
            lines = [f"- **{for_markdown(curve.name)}**: {for_markdown(curve.sentence())}." for curve in doses.curves]
            parts.append("\n".join([f"On {for_markdown(doses.dataset)}, by {for_markdown(doses.what)}:", "", *lines]))
        return "\n\n".join(parts)


def _rules(content: list[DoseCurves]) -> str:
    return " or ".join(dict.fromkeys(doses.rule for doses in content))
