"""Tables of evaluations, for the terminal and for Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ganbench.core.formatting import number, with_sd
from ganbench.core.verdict_word import heading, word_of
from ganbench.evaluation.score_samples import Evaluation
from ganbench.results.report.tables import markdown, terminal

BETTER: Mapping[str | None, str] = {"lower": "lower", "higher": "higher", "real": "near real", None: ""}


def show_evaluations(evaluations: Sequence[Evaluation], style: str) -> str:
    """Format scores under one or several protocols as `table`, `markdown` or `json`."""
    if style == "json":
        return json.dumps([evaluation.to_dict() for evaluation in evaluations], indent=2, allow_nan=False)
    head = ["protocol", "samples", "metric", "value", "real data", "best possible", "better", "beside real"]
    rows = [
        [
            evaluation.protocol if first else "",
            f"{evaluation.samples:,}" if first else "",
            score.metric,
            number(score.value),
            with_sd(score.floor, score.floor_sd),
            "" if score.ceiling is None else number(score.ceiling),
            BETTER[score.direction],
            score.standing or "",
        ]
        for evaluation in evaluations
        for first, score in ((index == 0, score) for index, score in enumerate(evaluation.scores))
    ]
    if style == "markdown":
        return markdown(head, rows)
    return "\n".join([terminal(head, rows), *map(in_words, evaluations)])


def in_words(evaluation: Evaluation) -> str:
    """State the verdict, and by which evaluator it was reached."""
    words = heading(word_of(evaluation.verdict)) + "; ".join(evaluation.verdict.clauses())
    return f"{evaluation.protocol}: {words}. Seen by {evaluation.evaluator} ({evaluation.evaluator_sha256[:12]}…)."
