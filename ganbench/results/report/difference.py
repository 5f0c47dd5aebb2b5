"""Comparison of two runs, for the terminal, as Markdown or as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial

import pandas as pd

from ganbench.core.formatting import number
from ganbench.core.mode_words import with_noun
from ganbench.core.screen import WIDE, wrapped
from ganbench.results.report.escaping import for_markdown, for_terminal
from ganbench.results.report.tables import markdown, terminal
from ganbench.results.run_diff import differ
from ganbench.results.run_summary import summarize_run
from ganbench.results.views import noun_of

MAX_STEPS = 6
"""The most steps of an event that are listed."""


def side_by_side(table: pd.DataFrame, first: str, second: str, style: str, width: int = WIDE) -> str:
    """Render two runs of a tidy table in the style `table`, `markdown` or `json`, with a summary of each at the end.

    Args:
        width: the width that a `table` is wrapped to.

    Raises:
        GanbenchError: they are the same run, or one of them isn't in the table.
    """
    difference = differ(table, first, second)
    endings = [summarize_run(table[table["run"] == run], run) for run in difference.runs]
    if style == "json":
        return json.dumps(_plain(asdict(difference) | {"endings": endings}), indent=2, allow_nan=False)
    draw = markdown if style == "markdown" else partial(terminal, width=width)
    escape = for_markdown if style == "markdown" else for_terminal
    names = [escape(name) for name in difference.names]
    noun = noun_of(table[table["run"].isin(difference.runs)])
    width = WIDE if style == "markdown" else width
    parts = ["\n".join(wrapped(f"{side}: {name}", width) for side, name in zip("AB", names, strict=True))]
    differing = [*difference.spec, *difference.surroundings]
    parts.append(draw(["differs", "A", "B"], differing) if differing else "their specs are the same")
    if difference.comparable:
        parts.append(wrapped(f"their scores can't be compared: {escape(difference.comparable)}", width))
    else:
        rows = [
            [
                with_noun(score.metric, noun),
                number(score.first),
                number(score.second),
                _difference(score.difference, score.tie),
                number(score.floor),
            ]
            for score in difference.scores
        ]
        parts.append(draw(["metric", "A", "B", "B − A", "real data"], rows))
    if difference.events:
        rows = [[with_noun(kind, noun), _steps(first), _steps(second)] for kind, first, second in difference.events]
        parts.append(draw(["event", "steps in A", "steps in B"], rows))
    ends = [f"{side}: {escape(ending)}." for side, ending in zip("AB", endings, strict=True)]
    parts.append("\n".join(wrapped(end, width) for end in ends))
    return "\n\n".join(parts)


def _difference(value: float, tie: bool) -> str:
    if value == 0:
        return "same"
    return f"{'+' if value > 0 else '−'}{number(abs(value))}" + " (tie)" * tie


def _steps(steps: Sequence[int]) -> str:
    listed = ", ".join(f"{step:,}" for step in steps[:MAX_STEPS])
    return (listed + f" and {len(steps) - MAX_STEPS} more" * (len(steps) > MAX_STEPS)) or "–"


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
