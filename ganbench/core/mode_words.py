"""The noun for modes in texts: clusters were found by an algorithm, and are never called modes."""

from __future__ import annotations

import re

MODES, CLUSTERS = "modes", "clusters"
_MODE = re.compile(r"(?<![A-Za-z])([Mm])odes?(?![A-Za-z])")
_CLUSTER = {"m": "cluster", "M": "Cluster"}


def with_noun(text: str, noun: str) -> str:
    """Return a text of ours that speaks of modes, or a name that we gave, so that it speaks of clusters if these are
    the modes.

    Args:
        text: with nothing of a user's in it but the names of modes.
        noun: the plural noun for modes, of a data set.
    """
    if noun != CLUSTERS:
        return text
    return _MODE.sub(lambda found: _CLUSTER[found[1]] + "s" * found[0].endswith("s"), text)
