"""Effects of the factors of a factorial experiment, and how factors change each other's."""

from __future__ import annotations

from itertools import groupby
from typing import ClassVar

from markupsafe import Markup

from ganbench.results.factor_effects import FactorEffects, factor_effects
from ganbench.results.inference.factorial import Effect
from ganbench.results.report.escaping import for_markdown
from ganbench.results.report.sections.base import Report, Section, fill
from ganbench.results.report.study_charts import effect_chart
from ganbench.results.report.svg import svg
from ganbench.results.report.tables import markdown

HEAD = ("factor", "better with it", "corrected p", "")
TEMPLATE = """
{% for dataset, chart, outcomes in content %}
<div><h3>{{ dataset }}</h3>
<div class="figures single">\
<figure role="img" aria-label="How often a seed is better with each factor than without it">\
{{ chart|safe }}</figure></div>
{% for outcome in outcomes %}
<p class="lead">{{ outcome.label }} ({{ outcome.seeds }} runs, {{ outcome.failed }} failed)</p>
<div class="scroll"><table><thead><tr>{% for word in head %}<th>{{ word }}</th>{% endfor %}</tr></thead><tbody>
{% for row in rows(outcome) %}
<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
</tbody></table></div>
{% endfor %}</div>
{% endfor %}
<p class="note">{{ note }}</p>
"""
NOTE = (
    "Better with it: the probability that a seed with the factor is better than one without it, everything else equal, "
    "averaged over the settings of the other factors; 50 % is no effect. For two factors: that probability of the "
    "first one with the second and without it, and the difference. With 95 % intervals; failed seeds rank worst. p by "
    "van Elteren's test, for two factors by the interval's level, after Holm's correction over all effects of the "
    "outcome."
)


class Factors(Section[list[FactorEffects]]):
    title: ClassVar[str] = "What does each factor do?"
    anchor: ClassVar[str] = "factors"
    place: ClassVar[int] = 14

    def content(self, report: Report) -> list[FactorEffects] | None:
        return factor_effects(report.table) or None

    def html(self, content: list[FactorEffects]) -> Markup:
        drawn = []
        for dataset, group in groupby(content, key=lambda outcome: outcome.dataset):
            outcomes = list(group)
            drawn.append((dataset, svg(effect_chart(outcomes)), outcomes))
        return fill(TEMPLATE, content=drawn, head=HEAD, rows=_rows, note=NOTE)

    def markdown(self, content: list[FactorEffects]) -> str:
        parts = []
        for outcome in content:
            head = f"On {outcome.dataset}: {outcome.label} ({outcome.seeds} runs, {outcome.failed} failed)"
            parts.append(f"{for_markdown(head)}\n\n{markdown(HEAD, _rows(outcome))}")
        return "\n\n".join([*parts, NOTE])


def _rows(outcome: FactorEffects) -> list[tuple[str, str, str, str]]:
    return [_row(effect) for effect in outcome.effects]


def _row(effect: Effect) -> tuple[str, str, str, str]:
    better = effect.better
    single = len(effect.factors) == 1
    name = effect.factors[0] if single else f"{effect.factors[0]}, changed by {effect.factors[1]}"
    share = "{:.0%}" if single else "{:+.0%}"
    interval = f"{share.format(better.middle)} ({share.format(better.low)} to {share.format(better.high)})"
    if effect.sides is not None:
        interval = f"{effect.sides[0]:.0%} with it, {effect.sides[1]:.0%} without: {interval}"
    p = "< 0.0001" if effect.corrected_p < 1e-4 else f"{effect.corrected_p:.4f}"
    return name, interval, p, _words(effect) if effect.significant else ""


def _words(effect: Effect) -> str:
    if len(effect.factors) == 1:
        return "better" if effect.better.middle > 0.5 else "worse"
    return "better beside it" if effect.better.middle > 0 else "worse beside it"
