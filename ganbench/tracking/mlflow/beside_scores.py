"""Numbers beside the scores of a run, kept in its tags: as metrics they would be most of the charts on its page.

The tags are pieces of one text of JSON lines: names, then for each step its number and the values in the order of the
names, with null for a value that is as in the line above. Earlier versions tracked these numbers as metrics.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

from ganbench.tracking.metric_names import Kind, parse_metric_name
from ganbench.tracking.tag_values import tag_error

TAG = "ganbench.beside-scores/"
"""Prefix of the tags, followed by the number of the piece."""
MAX_LENGTH = 4000
"""Characters of a piece. MLflow takes 8,000, other services with its interface 5,000."""

Number = tuple[str, int, float]
"""A tracked name, a step and a value."""


@cache
def is_beside_scores(name: str) -> bool:
    """Return whether a tracked name belongs into the tags."""
    return parse_metric_name(name).stands_beside_scores


def changed_tags(tags: Mapping[str, str], step: int, values: Mapping[str, float]) -> dict[str, str]:
    """Return the tags that change when numbers of a step are added to those that a run has.

    Raises:
        TagError: the tags aren't as they were written.
    """
    if not values:
        return {}
    by_step = _from_tags(tags)
    by_step[step] = by_step.get(step, {}) | {name: _as_stored(value) for name, value in values.items()}
    new = dict.fromkeys(_pieces(tags), "") | _to_tags(by_step)
    return {name: text for name, text in new.items() if tags.get(name, "") != text}


def with_numbers_beside(
    metrics: Sequence[Number], tags: Mapping[str, str], *, history: bool, needed: Collection[str] | None = None
) -> Sequence[Number]:
    """Return the numbers of a run in the order in which they were logged, those in its tags after scores of their kind.

    Where a number is in both, because an earlier version began the run, the one in the tags is newer.

    Args:
        history: whether the numbers of all steps are wanted, or the last ones.
        needed: the names that are needed; None for all.

    Raises:
        TagError: the tags aren't as they were written.
    """
    beside = [
        (name, step, value)
        for step, values in _from_tags(tags).items()
        for name, value in values.items()
        if needed is None or name in needed
    ]
    if not beside:
        return metrics
    newer = {(name, step if history else None): (name, step, value) for name, step, value in beside}
    numbers = [row for row in metrics if (row[0], row[1] if history else None) not in newer]
    places: dict[tuple[int, Kind], int] = {}
    for name, step, _ in numbers:
        places.setdefault((step, _kind(name)), len(places))
    return sorted([*numbers, *newer.values()], key=lambda row: places.get((row[1], _kind(row[0])), len(places)))


@cache
def _kind(name: str) -> Kind:
    return parse_metric_name(name).kind


def _as_stored(value: float) -> float:
    """The value as MLflow stores it as a metric."""
    return value if value != value else max(-sys.float_info.max, min(sys.float_info.max, value))


def _to_tags(by_step: Mapping[int, Mapping[str, float]]) -> dict[str, str]:
    lines: list[list[Any]] = []
    for (_, above), (step, values) in pairwise([(-1, {}), *sorted(by_step.items())]):
        if list(values) != list(above):
            lines.append(list(values))
        same = {name for name in values if name in above and repr(values[name]) == repr(above[name])}  # also of NaN
        repeated = same if list(values) == list(above) else set()
        lines.append([step, *(None if name in repeated else value for name, value in values.items())])
    text = "\n".join(json.dumps(line, separators=(",", ":")) for line in lines)
    pieces = [text[start : start + MAX_LENGTH] for start in range(0, len(text), MAX_LENGTH)]
    return {f"{TAG}{number}": piece for number, piece in enumerate(pieces)}


def _from_tags(tags: Mapping[str, str]) -> dict[int, dict[str, float]]:
    names = _pieces(tags)
    by_step: dict[int, dict[str, float]] = {}
    if not names:
        return by_step
    try:
        above: dict[str, float] = {}
        for line in "".join(tags[name] for name in names).split("\n"):
            content = json.loads(line)
            if isinstance(content[0], str):
                above = dict.fromkeys(content, float("nan"))
                continue
            step, *values = content
            above = {
                name: before if value is None else float(value)
                for (name, before), value in zip(above.items(), values, strict=True)
            }
            by_step[int(step)] = above
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:
        raise tag_error(tags, names[0], "isn't as it was written") from error
    return by_step


def _pieces(tags: Mapping[str, str]) -> list[str]:
    """The names of the tags, in order."""
    numbers = [name.removeprefix(TAG) for name in tags if name.startswith(TAG)]
    return [f"{TAG}{number}" for number in sorted(numbers, key=lambda number: (len(number), number))]
