"""Tables of evaluations, for the terminal and for Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ganbench.core.formatting import number, with_sd
from ganbench.core.mode_words import with_noun
from ganbench.core.screen import WIDE, wrapped
from ganbench.core.verdict_word import heading, word_of
from ganbench.evaluation.score_samples import Evaluation, Score
from ganbench.results.report.tables import fitted, markdown, terminal

BETTER: Mapping[str | None, str] = {"lower": "lower", "higher": "higher", "real": "near real", None: ""}
HEAD = ("metric", "value", "real data", "best possible", "better", "beside real")


def show_evaluations(evaluations: Sequence[Evaluation], style: str, width: int = WIDE) -> str:
    """Format scores under one or several protocols as `table`, `markdown` or `json`.

    Args:
        width: the width that a `table` is fitted to, by a table for each protocol.
    """
    if style == "json":
        return json.dumps([evaluation.to_dict() for evaluation in evaluations], indent=2, allow_nan=False)
    head = ["protocol", "samples", *HEAD]
    rows = [
        [evaluation.protocol if first else "", f"{evaluation.samples:,}" if first else "", *cells]
        for evaluation in evaluations
        for first, cells in ((index == 0, cells) for index, cells in enumerate(_rows(evaluation)))
    ]
    if style == "markdown":
        return markdown(head, rows)
    if width >= WIDE:
        return "\n".join([terminal(head, rows), *map(in_words, evaluations)])
    return "\n\n".join(_narrow(evaluation, width) for evaluation in evaluations)


def _narrow(evaluation: Evaluation, width: int) -> str:
    table = fitted(HEAD, _rows(evaluation), facts=[], optional=["better", "best possible", "beside real"], width=width)
    title = wrapped(f"{evaluation.protocol}, {evaluation.samples:,} samples", width)
    return "\n".join([title, table, wrapped(in_words(evaluation), width)])


def _rows(evaluation: Evaluation) -> list[list[str]]:
    return [[_heading(score, evaluation.mode_word), *_cells(score)] for score in evaluation.scores]


def _heading(score: Score, mode_word: str) -> str:
    return with_noun(score.metric, mode_word) + " (extra)" * score.extra


def _cells(score: Score) -> list[str]:
    return [
        number(score.value),
        with_sd(score.floor, score.floor_sd),
        "" if score.ceiling is None else number(score.ceiling),
        BETTER[score.direction],
        score.standing or "",
    ]


def in_words(evaluation: Evaluation) -> str:
    """State the verdict, and by which evaluator it was reached."""
    words = heading(word_of(evaluation.verdict)) + "; ".join(evaluation.verdict.clauses(evaluation.mode_word))
    return f"{evaluation.protocol}: {words}. Seen by {evaluation.evaluator} ({evaluation.evaluator_sha256[:12]}…)."
