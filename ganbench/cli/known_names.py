"""Refuse wrong names of components before torch is imported, which takes seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ganbench.core.component_index import SINGULAR, from_source
from ganbench.core.errors import GanbenchError
from ganbench.core.plugins import installed_plugins
from ganbench.core.registry import near_miss

WORDS = {"arch": "architecture"}
"""The words for components in messages, if they differ from the options that name them."""


def refuse_unknown(components: Mapping[str, Sequence[Mapping[str, Any]]], plugins: Sequence[Path] = ()) -> None:
    """Check the names of components and of their options, unless plug-ins may have brought others.

    Args:
        components: the components that each option names.

    Raises:
        GanbenchError: there is no such component, or it has no such option.
    """
    if plugins or installed_plugins():
        return
    for option, given in components.items():
        word = WORDS.get(option, option)
        known = {entry.name: dict(entry.options) for entry in from_source(SINGULAR[option])} if given else {}
        for component in given:
            name = component["name"]
            if name not in known:
                raise GanbenchError(f"unknown {word} '{name}': {near_miss(name, known)}")
            for key in component.keys() - {"name"} - known[name].keys():
                hint = near_miss(key, known[name]) if known[name] else "it has no options"
                raise GanbenchError(f"{word} '{name}' has no option '{key}': {hint}")
