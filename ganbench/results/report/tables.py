"""The comparison as a table for the terminal, Markdown, CSV or JSON."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import pandas as pd

from ganbench.core.formatting import number
from ganbench.results.compare import FLOOR, with_range
from ganbench.results.inference import MIN_SEEDS, Contrast
from ganbench.results.ranking import Ranking

WIDE = 1000
"""A terminal width that no table reaches, so that rows are never wrapped or cut."""
NOTE = (
    "median [lowest – highest] over finished seeds; with {least} seeds or more interquartile mean [95 % interval], "
    "failed seeds ranked worst; {budget}; minutes: of training a seed"
)
BUDGET_WORDS = {
    "images": "real images seen",
    "step": "steps of training",
    "critic_steps": "updates of the critic",
    "generator_steps": "updates of the generator",
    "critic_evaluations": "passes of a sample through the critic, forward or back",
    "seconds": "seconds of training a seed",
}
FAILURES = ("collapsed", "diverged", "stopped", "running")


def cells(compared: pd.DataFrame, metrics: Sequence[str], x: str = "images") -> tuple[list[str], list[list[str]]]:
    """Format the head and rows of a comparison: medians with ranges, failures by kind, without empty columns."""
    group = list(compared.columns[: compared.columns.get_loc("protocol")])
    group = [column for column in group if (compared[column] != "").any()]
    head = [*group, "protocol", "samples", "seeds", "failed", *metrics, x.replace("_", " "), "minutes"]
    rows = []
    for _, row in compared.iterrows():
        floor = pd.isna(row["seeds"])
        rows.append(
            [
                *(str(row[column]) for column in group),
                str(row["protocol"]),
                number(row["samples"]),
                "" if floor else str(int(row["seeds"])),
                "" if floor else _failures(row),
                *(with_range(row, metric) for metric in metrics),
                "" if floor else number(row[x]),
                "" if floor else number(row["seconds"] / 60),
            ]
        )
    return head, rows


def render(compared: pd.DataFrame, metrics: Sequence[str], style: str, x: str = "images") -> str:
    """Render a comparison in the style `table`, `markdown`, `latex`, `csv` or `json`."""
    if style == "csv":
        return compared.to_csv(index=False).rstrip("\n")
    if style == "json":
        return str(compared.to_json(orient="records", indent=2))
    head, rows = cells(compared, metrics, x)
    if style == "markdown":
        return markdown(head, rows)
    if style == "latex":
        return latex(head, rows)
    return f"{terminal(head, rows)}\n{NOTE.format(budget=budget_note(x), least=MIN_SEEDS)}"


def render_contrasts(judgement: Ranking, contrasts: Sequence[Contrast], style: str) -> str:
    """Render comparisons with a baseline: probability of being better, difference, and its interval and p-value."""
    baseline = contrasts[0].second
    head = [f"{judgement.metric}: against {baseline}", "P(better)", "difference", "95 % interval", "p (Holm)", "pairs"]
    rows = []
    for each in contrasts:
        low, high = sorted((judgement.score(each.low), judgement.score(each.high)))
        rows.append(
            [
                each.first,
                f"{each.probability:.2f}",
                number(judgement.score(each.difference)),
                "–" if math.isnan(low) else f"{number(low)} – {number(high)}",
                "–" if math.isnan(each.adjusted) else f"{each.adjusted:.2g}",
                str(each.paired),
            ]
        )
    return {"markdown": markdown, "latex": latex}.get(style, terminal)(head, rows)


def latex(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format a LaTeX table for `booktabs`."""
    escaped = str.maketrans({each: f"\\{each}" for each in "&%$#_{}"} | {"–": "--", "−": "$-$", "∞": r"$\infty$"})
    lines = [" & ".join(cell.translate(escaped) for cell in line) + r" \\" for line in (head, *rows)]
    columns = "l" + "r" * (len(head) - 1)
    body = "\n".join([lines[0], r"\midrule", *lines[1:]])
    return f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{body}\n\\bottomrule\n\\end{{tabular}}"


def budget_note(x: str) -> str:
    """Describe the column of a budget."""
    return f"{x.replace('_', ' ')}: {BUDGET_WORDS[x]}"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '¦') for cell in line)} |" for line in lines)


def _failures(row: pd.Series) -> str:
    counts = [f"{int(row[kind])} {kind}" for kind in FAILURES if row[kind]]
    return ", ".join(counts) or "0"


def terminal(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format a table for the terminal: in colour, or as plain text for a pipe."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0))
    for number_of, column in enumerate(head):
        text = all(row[number_of] == "" or row[number_of][0].isalpha() for row in rows)
        table.add_column(column, justify="left" if text else "right")
    for row in rows:
        table.add_row(*row, style="dim" if row[0].startswith(FLOOR) else None)
    console = Console()
    # Rendered to a buffer, so that the caller can print it: plain text for a pipe, colours for a terminal.
    buffer = io.StringIO()
    paper = Console(file=buffer, force_terminal=console.is_terminal, width=WIDE, markup=False)
    paper.print(table, highlight=False)
    return buffer.getvalue().rstrip("\n")
