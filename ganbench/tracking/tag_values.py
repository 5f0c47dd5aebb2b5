"""Values of tags. People can edit tags in MLflow: a value that can't be read is an error of one line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast, get_args

from ganbench.core.errors import GanbenchError
from ganbench.core.plain_text import without_control
from ganbench.tracking.base import Status

MAX_NUMBER = 2**53
LONGEST = 60
"""Characters of a value that are shown."""


class TagError(GanbenchError):
    """A tag that can't be read."""


def text_in(tags: Mapping[str, str], name: str) -> str:
    """Return the value of a tag that every run has."""
    if name not in tags:
        raise tag_error(tags, name, "is missing")
    return tags[name]


def status_in(tags: Mapping[str, str], name: str) -> Status:
    status = text_in(tags, name)
    if status not in get_args(Status):
        raise tag_error(tags, name, f"must be one of {', '.join(get_args(Status))}")
    return cast(Status, status)


def number_in(tags: Mapping[str, str], name: str, default: str | None = None) -> int:
    """Return the value of a tag that is a whole number, not a negative one."""
    text = tags.get(name, default) if default is not None else text_in(tags, name)
    return _number(tags, name, text)


def numbers_in(tags: Mapping[str, str], name: str) -> tuple[int, ...]:
    """Return the value of a tag that lists whole numbers, as in `0,1,2`; none if there is no such tag."""
    text = tags.get(name, "")
    return tuple(_number(tags, name, part) for part in text.split(",")) if text else ()


def table_in(tags: Mapping[str, str], name: str) -> dict[str, Any]:
    """Return the value of a tag that is a JSON object; an empty one if there is no such tag."""
    try:
        value = json.loads(tags.get(name) or "{}")
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise tag_error(tags, name, "must be a JSON object")
    return value


def tag_error(tags: Mapping[str, str], name: str, problem: str) -> TagError:
    """Return the error for a tag that can't be read."""
    run = next((tags[key] for key in ("run", "ganbench.run") if key in tags), "without an id")
    value = f" ('{without_control(tags[name][:LONGEST])}')" if name in tags else ""
    full_name = f"ganbench.{name.removeprefix('ganbench.')}"
    return TagError(
        f"the tag '{full_name}' of the run {run} {problem}{value}: correct it in MLflow, or delete the run there"
    )


def _number(tags: Mapping[str, str], name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_NUMBER)) and int(text) <= MAX_NUMBER):
        raise tag_error(tags, name, "must be a whole number")
    return int(text)
