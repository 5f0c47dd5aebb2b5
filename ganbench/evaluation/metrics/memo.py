"""What several metrics ask of the same features, found once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast
from weakref import WeakKeyDictionary

from ganbench.data.evaluators import Features

T = TypeVar("T")
_kept: WeakKeyDictionary[Features, dict[tuple[object, ...], object]] = WeakKeyDictionary()


def memoize_on(features: Features, key: tuple[object, ...], find: Callable[[], T]) -> T:
    """What `find` finds; from the second time on what it found, as long as these features live."""
    known = _kept.setdefault(features, {})
    if key not in known:
        known[key] = find()
    return cast(T, known[key])  # what one key stands for always has the same type
