"""The facts needed to reproduce the runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import pandas as pd
from markupsafe import Markup

from ganbench.core.annotation import label_of
from ganbench.core.formatting import number
from ganbench.results.report.escaping import for_markdown
from ganbench.results.report.sections.base import Report, Section, fill
from ganbench.results.report.tables import FLOOR
from ganbench.results.resumed_runs import resumed_elsewhere
from ganbench.results.views import SCORED, final_scores, runs

TEMPLATE = """
<dl>
{% for name, fact in facts %}
  <dt>{{ name }}</dt><dd>{{ fact }}</dd>
{% endfor %}
</dl>
<p class="note">Every number is in results.csv beside this page; <code>ganbench report --from results.csv</code> makes
the page again.</p>
"""


class Facts(Section[list[tuple[str, str]]]):
    title: ClassVar[str] = "What was run"
    anchor: ClassVar[str] = "facts"
    place: ClassVar[int] = 70

    def content(self, report: Report) -> list[tuple[str, str]]:
        resumed = resumed_elsewhere(report.table, report.names)
        return [
            *facts(report.table),
            *([("resumed in another environment", "; ".join(resumed))] if resumed else []),
            ("report", f"made on {report.about.date} by the code of {report.about.code}"),
        ]

    def html(self, content: list[tuple[str, str]]) -> Markup:
        return fill(TEMPLATE, facts=content)

    def markdown(self, content: list[tuple[str, str]]) -> str:
        lines = [f"- {name}: {for_markdown(fact)}" for name, fact in content]
        end = "Every number is in [results.csv](results.csv); pictures are in [report.html](report.html)."
        return "\n".join([*lines, "", end])


def facts(table: pd.DataFrame) -> list[tuple[str, str]]:
    """List the facts needed to reproduce the runs."""
    all_runs = runs(table)
    protocols = sorted(set(final_scores(table)["protocol"]))

    def distinct(column: str) -> str:
        return ", ".join(sorted(set(all_runs[column]) - {""})) or "unknown"

    statuses = ", ".join(f"{count} {status}" for status, count in all_runs["status"].value_counts().items() if count)
    return [
        ("runs", f"{len(all_runs)} ({statuses})"),
        ("without a score", _listed(all_runs[~all_runs["status"].isin(SCORED)]) or "none"),
        ("data", distinct("dataset")),
        ("protocol", ", ".join(protocols) or "nothing was scored"),
        ("budget", _budgets(all_runs)),
        ("code", distinct("commit")),
        ("device", distinct("device")),
        ("training time", f"{all_runs['seconds'].sum() / 60:.1f} minutes in all"),
        ("options of all", _shared(all_runs["options"].tolist())),
        ("floor", f"“{FLOOR}” are real samples scored as if they were generated"),
    ]


def _listed(failed: pd.DataFrame) -> str:
    return "; ".join(
        f"{label_of(row['name'], row['dose']) or row['loss']} seed {row['seed']} on {row['dataset']}"
        for _, row in failed.iterrows()
    )


def _budgets(all_runs: pd.DataFrame) -> str:
    budgets = []
    for dataset, members in all_runs[all_runs["status"].isin(SCORED)].groupby("dataset", sort=True):
        low, high = members["images"].min(), members["images"].max()
        images = number(low) if low == high else f"{number(low)} to {number(high)}"
        budgets.append(f"{dataset}: {images} real images a seed")
    return "; ".join(budgets) or "nothing came to its end"


def _shared(options: Sequence[str]) -> str:
    parts = [text.split("; ") for text in options]
    return "; ".join(part for part in parts[0] if all(part in other for other in parts)) or "none"
