"""Tables of evaluations and diagnoses, for the terminal and for Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ganbench.core.formatting import number
from ganbench.evaluation.doctor import Diagnosis, Row
from ganbench.evaluation.score_samples import Evaluation
from ganbench.results.report.tables import markdown, terminal

BETTER: Mapping[str | None, str] = {"lower": "lower", "higher": "higher", "real": "near real", None: ""}
MARKS = {"sees": "○", "blind": "·", "wrong": "✗", "undefined": "–"}
CLAIMED, MISSED = "●", "MISSED"
LEGEND = (
    "● detects it, as claimed · ○ detects it, too · · blind · ✗ wrong: rates it better than real data · "
    "– not defined · MISSED: claims to detect it and doesn't"
)


def show_evaluations(evaluations: Sequence[Evaluation], style: str) -> str:
    """Format scores under one or several protocols as `table`, `markdown` or `json`."""
    if style == "json":
        return json.dumps([evaluation.to_dict() for evaluation in evaluations], indent=2, allow_nan=False)
    head = ["protocol", "samples", "metric", "value", "real data", "best possible", "better"]
    rows = [
        [
            evaluation.protocol if first else "",
            f"{evaluation.samples:,}" if first else "",
            score.metric,
            number(score.value),
            number(score.floor),
            "" if score.ceiling is None else number(score.ceiling),
            BETTER[score.direction],
        ]
        for evaluation in evaluations
        for first, score in ((index == 0, score) for index, score in enumerate(evaluation.scores))
    ]
    if style == "markdown":
        return markdown(head, rows)
    return "\n".join([terminal(head, rows), *map(in_words, evaluations)])


def in_words(evaluation: Evaluation) -> str:
    """State the verdict, and by which evaluator it was reached."""
    clauses = "; ".join(evaluation.verdict.clauses())
    return f"{evaluation.protocol}: {clauses}. Seen by {evaluation.evaluator} ({evaluation.evaluator_sha256[:12]}…)."


def show_diagnosis(diagnosis: Diagnosis, style: str) -> str:
    """Format the planted faults that each metric detected, as `table` or `markdown`."""
    head = ["metric", "better", "real", *diagnosis.faults[1:]]
    rows = [[row.metric, BETTER[row.direction], _real(row), *_marks(row, diagnosis)] for row in diagnosis.rows]
    title = f"{diagnosis.dataset}, {diagnosis.samples:,} samples"
    if style == "markdown":
        return f"**{title}**\n\n{markdown(head, rows)}"
    return f"{title}\n{terminal(head, rows)}"


def _real(row: Row) -> str:
    return number(row.real) + (" !" if "real" in row.failures else "")


def _marks(row: Row, diagnosis: Diagnosis) -> list[str]:
    marks = []
    for fault in diagnosis.faults[1:]:
        if fault in row.failures and row.findings[fault] != "wrong":
            marks.append(MISSED)
        else:
            marks.append(
                CLAIMED if fault in row.claims and row.findings[fault] == "sees" else MARKS[row.findings[fault]]
            )
    return marks
