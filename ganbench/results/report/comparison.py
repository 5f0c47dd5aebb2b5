"""A comparison for people and programs: the table, the answer, and published numbers beside it."""

from __future__ import annotations

import pandas as pd

from ganbench.core.errors import GanbenchError
from ganbench.core.screen import WIDE, wrapped
from ganbench.results.answers import sentences
from ganbench.results.compare import Comparison
from ganbench.results.grouping import named_groups
from ganbench.results.incomplete_seeds import good_seeds, lost_modes
from ganbench.results.ranking import against
from ganbench.results.report.claims import beside
from ganbench.results.report.contrasts import CONTRASTS_NOTE, render_contrasts
from ganbench.results.report.escaping import for_latex, for_markdown, for_terminal
from ganbench.results.report.tables import render
from ganbench.results.resumed_runs import resumed_elsewhere

ESCAPES = {"markdown": for_markdown, "latex": for_latex}
"""Escaping of text below the table, in styles other than the terminal's."""


def render_comparison(
    table: pd.DataFrame, comparison: Comparison, style: str, baseline: str | None = None, width: int = WIDE
) -> str:
    """Render a comparison of a tidy table in the style `table`, `markdown`, `latex`, `csv` or `json`.

    Args:
        baseline: name of the method to compare all others with.
        width: the width that the style `table` is fitted to.

    Raises:
        GanbenchError: there is no such baseline, or nothing to compare with it.
    """
    if style in ("csv", "json"):
        return render(comparison, style)
    names = {run: name for name, members in named_groups(table, comparison.by) for run in members}
    shares = [*good_seeds(table, names), *lost_modes(table, names)]
    notes = [f"{sentence.beginning} {'; '.join(sentence.ends)}." for sentence in shares]
    resumed = resumed_elsewhere(table, names)
    if resumed:
        notes.append(f"Resumed in another environment, which changes their numbers: {'; '.join(resumed)}.")
    escape = ESCAPES.get(style, for_terminal)
    lines = [*notes, *sentences(comparison.rankings)]
    parts = [render(comparison, style, width)]
    parts += [wrapped(escape(line), width) if style == "table" else escape(line) for line in lines]
    published = beside(table, comparison.metrics, style, width)
    if published:
        parts.append(published)
    if baseline is not None:
        parts += _contrasts(comparison, baseline, style, width)
    return "\n".join(parts)


def _contrasts(comparison: Comparison, baseline: str, style: str, width: int) -> list[str]:
    if not comparison.rankings:
        raise GanbenchError("there is nothing to set against a baseline: no two groups were scored alike")
    several = len({ranking.setting for ranking in comparison.rankings}) > 1
    parts = []
    contrasts = against(comparison.rankings, baseline)
    for ranking, pairs in zip(comparison.rankings, contrasts, strict=True):
        setting = ESCAPES.get(style, for_terminal)(str(ranking.setting))
        parts += [f"\n{setting}" if several else ""]
        parts += [render_contrasts(ranking, pairs, style, width)]
    explained = CONTRASTS_NOTE.format(count=sum(map(len, contrasts)))
    return [*parts, "", wrapped(explained, width) if style == "table" else explained]
