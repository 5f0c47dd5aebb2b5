"""What there is, for people: every registered component with a line about it and its source."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from ganbench.archs import ARCHS
from ganbench.data import DATASETS
from ganbench.losses import LOSSES
from ganbench.metrics import METRICS
from ganbench.penalties import PENALTIES
from ganbench.protocols import PROTOCOLS
from ganbench.registry import Registry
from ganbench.wrappers import WRAPPERS

KINDS: Mapping[str, Registry[Any]] = {
    "losses": LOSSES,
    "penalties": PENALTIES,
    "archs": ARCHS,
    "wrappers": WRAPPERS,
    "datasets": DATASETS,
    "metrics": METRICS,
    "protocols": PROTOCOLS,
}


def listing(kinds: Sequence[str]) -> Table:
    """A table of components: kind, name, the first line of the docstring, and the options with their defaults."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="dim")
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for kind in kinds:
        for number, name in enumerate(KINDS[kind]):
            component = KINDS[kind][name]
            table.add_row("" if number else kind, name, component.summary())
            options = ", ".join(f"{option.name}={_plain(option.default)}" for option in dataclasses.fields(component))
            if options:
                table.add_row("", "", Text(options, style="dim"))
        table.add_section()
    return table


def _plain(value: object) -> str:
    return str(list(value)) if isinstance(value, tuple) else str(value)
