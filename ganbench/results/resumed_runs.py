"""Runs that were resumed in another environment than they began in, where rounding differs."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ganbench.core.formatting import listed, seeds_in_words
from ganbench.results.views import runs

MAX_METHODS = 4
"""The most methods that are named for one change; a whole study may have gone on elsewhere."""


def resumed_elsewhere(table: pd.DataFrame, names: Mapping[str, str]) -> list[str]:
    """Return the runs with what had changed for them, as in `seeds 0 and 1 of minimax (threads 4 → 2)`.

    Args:
        names: the name of each run's method.
    """
    changed = runs(table)
    changed = changed[changed["resumed_with"] != ""]
    parts = []
    for change, members in changed.groupby("resumed_with", sort=True, observed=True):
        methods = list(members.groupby(members["run"].map(names), sort=True))
        words = [f"{seeds_in_words(sorted(rows['seed']))} of {name}" for name, rows in methods[:MAX_METHODS]]
        more = len(methods) - MAX_METHODS
        words += [f"{more} more method{'s' * (more > 1)}"] if more > 0 else []
        parts.append(f"{listed(words)} ({str(change).replace('; ', ', then ')})")
    return parts
