"""Links to the documentation of metrics."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from ganbench.core.component_index import from_source

PAGE = "https://github.com/ganbench/ganbench/blob/main/docs/metrics.md"


@cache
def metric_links() -> Mapping[str, str]:
    """The address of each built-in metric's documentation, by name; those of plug-ins have none."""
    return {entry.name: f"{PAGE}#{entry.name}" for entry in from_source("metrics")}
