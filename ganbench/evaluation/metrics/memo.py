"""Memoised intermediate results that several metrics compute from the same features."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast
from weakref import WeakKeyDictionary

from ganbench.data.evaluators import Features

T = TypeVar("T")
_results: WeakKeyDictionary[Features, dict[tuple[object, ...], object]] = WeakKeyDictionary()


def memoize_on(features: Features, key: tuple[object, ...], find: Callable[[], T]) -> T:
    """Call `find` once per key, and return the stored result afterwards, for as long as these features exist."""
    results = _results.setdefault(features, {})
    if key not in results:
        results[key] = find()
    return cast(T, results[key])  # a key's value always has the same type
