"""List of components: each with a one-line description and its source."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from ganbench.core.component_index import Entry, from_registry, without_plugins
from ganbench.core.plugins import installed_plugins, load_plugins


def entries_of(kinds: Iterable[str], plugins: Sequence[Path] = ()) -> dict[str, list[Entry]]:
    """Components of each kind, built in and from plug-ins (installed or given as files)."""
    if not plugins and not installed_plugins():
        return {kind: without_plugins(kind) for kind in kinds}
    # Imported only here, since it takes seconds.
    from ganbench.spec.registries import REGISTRIES

    load_plugins(plugins)
    return {kind: from_registry(REGISTRIES[kind]) for kind in kinds}


def names(entries: Mapping[str, Sequence[Entry]]) -> Table:
    """Make a table of the names of components, a row for each kind."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="dim")
    table.add_column()
    for kind, components in entries.items():
        table.add_row(kind, Text(", ".join(component.name for component in components)))
    return table


def about(kind: str, entry: Entry) -> Table:
    """Make a table of one component: its docstring, and its options with their defaults."""
    table = Table(
        box=None, padding=(0, 2, 0, 0), show_header=False, title=f"{kind} · {entry.name}", title_justify="left"
    )
    table.add_column(style="dim")
    table.add_column()
    table.add_row("what it is", Text(entry.docstring))
    for number, (name, default) in enumerate(entry.options):
        table.add_row("" if number else "options", f"{name}={_plain(default)}")
    return table


def listing(entries: Mapping[str, Sequence[Entry]]) -> Table:
    """Make a table of components: kind, name, the first line of the docstring, and the options with their defaults."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="dim")
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for kind, components in entries.items():
        for number, component in enumerate(components):
            table.add_row("" if number else kind, component.name, component.summary)
            options = ", ".join(f"{name}={_plain(default)}" for name, default in component.options)
            if options:
                table.add_row("", "", Text(options, style="dim"))
        table.add_section()
    return table


def as_markdown(entries: Mapping[str, Sequence[Entry]]) -> str:
    """Format the components as Markdown: a heading and a table per kind; arXiv numbers become links."""
    parts = []
    for kind, components in entries.items():
        rows = [f"## {kind[0].upper()}{kind[1:]}", "", "| name | what it is | options |", "|---|---|---|"]
        for component in components:
            summary = re.sub(r"arXiv:(\d+\.\d+)", r"[arXiv:\1](https://arxiv.org/abs/\1)", component.summary)
            options = ", ".join(f"`{name}={_plain(default)}`" for name, default in component.options)
            cells = [cell.replace("|", "\\|") for cell in (f"`{component.name}`", summary, options)]
            rows.append(f"| {' | '.join(cells)} |")
        parts.append("\n".join(rows))
    return "\n\n".join(parts)


def _plain(value: object) -> str:
    return str(list(value)) if isinstance(value, tuple) else str(value)
