"""The comparison as a table for the terminal, Markdown, CSV or JSON."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Sequence

import pandas as pd

from ganbench.core.formatting import number, with_sd
from ganbench.core.screen import WIDE, wrapped
from ganbench.core.verdict import Measured
from ganbench.results.compare import Comparison
from ganbench.results.grouping import BY, shown_protocol
from ganbench.results.inference import MIN_SEEDS
from ganbench.results.report.escaping import for_csv, for_latex, for_markdown, for_terminal
from ganbench.results.report.fitting import BELOW, MIN_NAME, VERDICT, fit

METHOD = "method"
"""The column of a comparison with the names of methods."""
FLOOR = "real data"
"""The name of the rows with the scores of real data treated as generated."""
NOTE = (
    "median [lowest – highest] over finished seeds; with {least} seeds or more interquartile mean [95 % interval], "
    "failed seeds ranked worst; {budget}; minutes: of training a seed"
)
AS_REAL = " ≈"
AS_REAL_NOTE = f";{AS_REAL}: the median is within five standard deviations of real data"
BUDGET_WORDS = {
    "images": "real images seen",
    "step": "steps of training",
    "critic_steps": "updates of the discriminator",
    "generator_steps": "updates of the generator",
    "critic_evaluations": "passes of a sample through the discriminator, forward or back",
    "seconds": "seconds of training a seed",
}
FAILURES = ("collapsed", "diverged", "stopped", "running")


def cells(comparison: Comparison) -> tuple[list[str], list[list[str]], list[list[str]]]:
    """Format a comparison: the head, the rows of groups and those of real data; empty columns are left out.

    If an experiment file names its methods, their names stand in place of loss, architecture and options.
    """
    groups, x = comparison.groups, comparison.x
    by = [column for column in comparison.by if column != "protocol" and (groups[column] != "").any()]
    if "name" not in comparison.by and (groups["name"] != "").any():
        by = [*(column for column in by if column not in BY), METHOD]
    metrics = [comparison.heading(metric) + " (extra)" * (metric in comparison.extra) for metric in comparison.metrics]
    verdict = [VERDICT] * bool((groups[VERDICT] != "").any())
    head = [*by, *verdict, "protocol", "samples", "seeds", "failed", *metrics, x.replace("_", " "), "minutes"]
    rows = [
        [
            *(str(group[column]) for column in (*by, *verdict)),
            shown_protocol(str(group["protocol"]), str(group["selection"])),
            number(group["samples"]),
            str(int(group["seeds"])),
            _failures(group),
            *_beside_real(group, comparison),
            number(group[x]),
            number(group["seconds"] / 60),
        ]
        for _, group in groups.iterrows()
    ]
    several = len(comparison.floors) > 1
    floors = [
        [
            FLOOR + (f": {floor['dataset']}, {floor['samples']:,.0f} samples" if several else ""),
            *[""] * (len(by) - 1 + len(verdict)),
            shown_protocol(str(floor["protocol"]), str(floor["selection"])),
            number(floor["samples"]),
            *("", ""),
            *(with_noise(floor, metric) for metric in comparison.metrics),
            *("", ""),
        ]
        for _, floor in comparison.floors.iterrows()
    ]
    return head, rows, floors


def render(comparison: Comparison, style: str, width: int = WIDE) -> str:
    """Render a comparison in the style `table`, `markdown`, `latex`, `csv` or `json`.

    Args:
        width: the width that a `table` is fitted to; by default no column is left out, and no line is wrapped.
    """
    if style == "csv":
        both = pd.concat([comparison.groups.assign(row="group"), comparison.floors.assign(row="floor")])
        both = both[["row", *both.columns.drop("row")]].rename(columns=for_csv)
        words = {name: both[name].astype(object).map(for_csv, na_action="ignore") for name in _word_columns(both)}
        return str(both.assign(**words).to_csv(index=False)).rstrip("\n")
    if style == "json":
        tables = {"groups": comparison.groups, "floors": comparison.floors}
        return json.dumps(
            {name: json.loads(str(table.to_json(orient="records"))) for name, table in tables.items()}, indent=2
        )
    head, rows, floors = cells(comparison)
    if style == "markdown":
        return comparison_as_markdown(comparison)
    if style == "latex":
        return latex(head, [*rows, *floors])
    return _fitted(comparison, head, rows, floors, width)


def _fitted(
    comparison: Comparison,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    floors: Sequence[Sequence[str]],
    width: int,
) -> str:
    explained = note(comparison, rows, for_terminal)
    budget = comparison.x.replace("_", " ")
    last = [name for name in head if name not in ("minutes", budget)]
    metrics = last[last.index("failed") + 1 :]
    table = fitted(
        head,
        rows,
        floors,
        facts=[*comparison.by, "protocol", "samples", "seeds", "failed"],
        optional=["minutes", budget, *reversed(metrics[1:]), "samples"],
        width=width,
        all_columns=" (--wide)",
    )
    return f"{table}\n{wrapped(explained, width)}"


def fitted(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    floors: Sequence[Sequence[str]] = (),
    *,
    facts: Sequence[str],
    optional: Sequence[str],
    width: int,
    all_columns: str = "",
) -> str:
    """Format a table that fits the terminal, with a line about what is the same for all rows, and what is left out.

    Args:
        facts: the columns that move above if they are constant.
        optional: the columns that may be left out, the first to go first.
        width: at `WIDE`, the table stays as it is.
        all_columns: the way to see what was left out.
    """
    if width >= WIDE:
        return terminal(head, rows, dim=floors)
    table = fit(head, rows, floors, facts=facts, optional=optional, width=width)
    above = "; ".join(f"{name} {for_terminal(value)}" for name, value in table.constants)
    parts = [wrapped(f"all: {above}", width)] if above else []
    parts += [terminal(table.head, table.rows, dim=table.floors, width=width)]
    if table.omitted:
        omitted = ", ".join(reversed(table.omitted))
        parts += [wrapped(f"not shown, for lack of space: {omitted}{all_columns}", width)]
    return "\n".join(parts)


def comparison_as_markdown(comparison: Comparison) -> str:
    """Format a comparison as a Markdown table."""
    head, rows, floors = cells(comparison)
    return markdown(head, [*rows, *floors])


def note(comparison: Comparison, rows: Sequence[Sequence[str]], written: Callable[[str], str] = str) -> str:
    """Explain the cells of a comparison, and the names of its metrics.

    Args:
        written: escapes foreign text for where it is shown.
    """
    text = NOTE.format(budget=budget_note(comparison.x), least=MIN_SEEDS)
    return (
        text
        + AS_REAL_NOTE * any(AS_REAL in cell for row in rows for cell in row)
        + written(_metrics_in_words(comparison))
    )


def _metrics_in_words(comparison: Comparison) -> str:
    """The labels of the metrics that say more than their names."""
    labels = {metric: comparison.labels.get(metric, "") for metric in comparison.metrics}
    names = {metric: comparison.heading(metric) for metric in comparison.metrics}
    return "".join(
        f"; {names[metric]}: {label}"
        for metric, label in labels.items()
        if label and label.lower() != names[metric].replace("_", " ").lower()
    )


def with_range(row: pd.Series, metric: str) -> str:
    """Format the interquartile mean and its interval if there is one, else `median [lowest – highest]`.

    Without a spread it is a single number.
    """
    suffixes = ("_iqm", "_ci_low", "_ci_high") if not pd.isna(row.get(f"{metric}_iqm")) else ("", "_low", "_high")
    middle, low, high = (number(row[f"{metric}{suffix}"]) for suffix in suffixes)
    return middle if low == high else f"{middle} [{low} – {high}]"


def with_noise(floor: pd.Series, metric: str) -> str:
    """Format the score of real data with its standard deviation, or its range if that isn't known."""
    deviation = floor.get(f"{metric}_sd", math.nan)
    return with_range(floor, metric) if math.isnan(deviation) else with_sd(floor[metric], deviation)


def _beside_real(group: pd.Series, comparison: Comparison) -> list[str]:
    """Format a group's values of each metric, marked if their median is within chance of real data."""
    floor, texts = comparison.floor_of(group), []
    for metric in comparison.metrics:
        median = Measured(group[metric], floor.get(metric, math.nan), floor.get(f"{metric}_sd", math.nan))
        texts.append(with_range(group, metric) + AS_REAL * (median.standing("real") == "as real"))
    return texts


def latex(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format a LaTeX table for `booktabs`."""
    lines = [" & ".join(map(for_latex, line)) + r" \\" for line in (head, *rows)]
    columns = "l" + "r" * (len(head) - 1)
    body = "\n".join([lines[0], r"\midrule", *lines[1:]])
    return f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{body}\n\\bottomrule\n\\end{{tabular}}"


def budget_note(x: str) -> str:
    """Describe the column of a budget."""
    return f"{x.replace('_', ' ')}: {BUDGET_WORDS[x]}"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format a Markdown table of any text."""
    cells_of = [[for_markdown(cell).replace("|", "¦") for cell in line] for line in (head, *rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (cells_of[0], ["---"] * len(head), *cells_of[1:]))


def _word_columns(table: pd.DataFrame) -> list[str]:
    return [column for column in table.columns if not pd.api.types.is_numeric_dtype(table[column])]


def _failures(row: pd.Series) -> str:
    counts = [f"{int(row[kind])} {kind}" for kind in FAILURES if row[kind]]
    return ", ".join(counts) or "0"


def terminal(
    head: Sequence[str], rows: Sequence[Sequence[str]], dim: Sequence[Sequence[str]] = (), width: int = WIDE
) -> str:
    """Format a table for the terminal, in colour, or as plain text for a pipe; the rows of `dim` come last, dimmed."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0))
    for number_of, column in enumerate(head):
        # Names may begin with a digit; other text doesn't.
        text = column in (METHOD, VERDICT) or all(
            row[number_of] == "" or row[number_of][0].isalpha() for row in (*rows, *dim)
        )
        # Where space is short, long text wraps; numbers and words don't.
        short = not text or all(len(row[number_of]) <= MIN_NAME for row in (*rows, *dim))
        table.add_column(_lines(column), justify="left" if text else "right", no_wrap=short, overflow="fold")
    for style, lines in ((None, rows), ("dim", dim)):
        for row in lines:
            table.add_row(*map(_lines, row), style=style)
    console = Console()
    # Rendered to a buffer, so that the caller can print it: plain text for a pipe, colours for a terminal.
    buffer = io.StringIO()
    paper = Console(file=buffer, force_terminal=console.is_terminal, width=width, markup=False, emoji=False)
    paper.print(table, highlight=False)
    return "\n".join(line.rstrip() for line in buffer.getvalue().rstrip("\n").split("\n"))


def _lines(cell: str) -> str:
    """The lines of a cell; control characters of strangers are no lines."""
    return "\n".join(map(for_terminal, cell.split(BELOW)))
