"""The noun for modes in texts: clusters were found by an algorithm, and are never called modes."""

from __future__ import annotations

import re
from collections.abc import Collection

MODES, CLUSTERS = "modes", "clusters"
_MODE = re.compile(r"(?<![A-Za-z])([Mm])odes?(?![A-Za-z])")
_CLUSTER = {"m": "cluster", "M": "Cluster"}
_SHOWN = re.compile(r"(?<![A-Za-z])cluster(s?)(?![A-Za-z])")


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


def without_noun(name: str, known: Collection[str]) -> str:
    """Return the known name of what `with_noun` shows under a name: `modes_strict` for `clusters_strict`.

    Args:
        known: all names; one of them is returned as it is, and so is a name that stands for none of them.
    """
    ours = _SHOWN.sub(r"mode\1", name)
    return ours if name not in known and ours in known else name
