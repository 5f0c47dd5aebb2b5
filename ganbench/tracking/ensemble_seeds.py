"""The seeds that a run was trained with, as a tag: rounding depends on the composition of the ensemble."""

from __future__ import annotations

from collections.abc import Mapping

from ganbench.tracking.tag_values import numbers_in

SEEDS_TAG = "ensemble-seeds"
"""The tag with all seeds that were trained together."""
OLD_SEEDS_TAG = "together"
"""The same tag in older stores."""


def ensemble_text(tags: Mapping[str, str]) -> str:
    """Return all seeds that a run was trained with, as in `0,1,2`; empty if they weren't tracked."""
    return tags.get(SEEDS_TAG, tags.get(OLD_SEEDS_TAG, ""))


def ensemble_seeds(tags: Mapping[str, str]) -> tuple[int, ...]:
    """Return all seeds that a run was trained with; empty if they weren't tracked."""
    return numbers_in(tags, SEEDS_TAG if SEEDS_TAG in tags else OLD_SEEDS_TAG)
