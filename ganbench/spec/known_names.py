"""Refuse wrong names of components, options and settings before torch is imported, which takes seconds."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ganbench.core.component_index import SINGULAR, without_plugins
from ganbench.core.errors import GanbenchError
from ganbench.core.plugins import installed_plugins
from ganbench.core.registry import near_miss
from ganbench.core.settings import COMPONENTS, LISTS, TABLES, parse_components

WORDS = {"arch": "architecture"}
"""The words for components in messages, if they differ from the options that name them."""


def refuse_unknown(components: Mapping[str, Sequence[Mapping[str, Any]]], plugins: Sequence[Path] = ()) -> None:
    """Check the names of components and of their options, unless plug-ins may have brought others.

    Args:
        components: the components that each option names.

    Raises:
        GanbenchError: there is no such component, or it has no such option.
    """
    if not _others_are_known(plugins):
        for kind, given in components.items():
            for component in given:
                _check_component(kind, component)


def refuse_unknown_settings(settings: Mapping[str, Any], plugins: Sequence[Path] = ()) -> None:
    """Check all names in settings, unless plug-ins may have brought others. What isn't a name is checked later.

    Raises:
        GanbenchError: there is no such setting, component or option.
    """
    if not _others_are_known(plugins):
        _check_settings(settings)


def refuse_unknown_in_file(file: Path, budget: str | None, plugins: Sequence[Path] = ()) -> None:
    """Check all names in an experiment file, those of components unless plug-ins may have brought others.

    Raises:
        GanbenchError: the file is not an experiment, or there is no such setting, component or option.
    """
    from ganbench.spec.sweep_file import read_sweep_file

    sweep = read_sweep_file(file, budget)
    if not _others_are_known(plugins):
        for combination in sweep.combinations:
            with sweep.naming(combination):
                _check_settings(sweep.settings(combination))


def explain_assignment(text: str, plugins: Sequence[Path] = ()) -> None:
    """Say what is meant by an assignment of `--set` that names no table.

    Raises:
        GanbenchError: it names a component or an option without its table; other mistakes are left to the parser.
    """
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals or "." in name:
        return
    if name in SINGULAR and name in TABLES:
        refuse_unknown({name: list(parse_components(value))}, plugins)
        raise GanbenchError(f"--set '{text}' should read table.option=value: did you mean --{name} {value}?")
    for table in ("train", "evaluation"):
        if name in _options(table):
            raise GanbenchError(f"--set '{text}' should read table.option=value: did you mean {table}.{name}={value}?")


def _others_are_known(plugins: Sequence[Path]) -> bool:
    return bool(plugins or installed_plugins())


def _check_settings(settings: Mapping[str, Any]) -> None:
    for table, options in settings.items():
        if table not in TABLES:
            raise GanbenchError(f"there is no setting '{table}': {near_miss(table, TABLES)}")
        if table in LISTS:
            for component in _components(options):
                _check_component(table, component)
        elif isinstance(options, Mapping) and table in COMPONENTS:
            _check_component(table, options)
        elif isinstance(options, Mapping):
            for option in options.keys() - _options(table):
                raise GanbenchError(f"{table} has no option '{option}': {near_miss(option, _options(table))}")


def _components(written: Any) -> list[Mapping[str, Any]]:
    """The components in a list of tables or in text; what is neither is left to the resolver."""
    if isinstance(written, str):
        return list(parse_components(written))
    listed = [written] if isinstance(written, Mapping) else written if isinstance(written, list | tuple) else []
    return [component for component in listed if isinstance(component, Mapping)]


def _check_component(kind: str, component: Mapping[str, Any]) -> None:
    """Check a component; without a name, which a file or a default will give it, it may have the options of any."""
    word, known, name = _word(kind), _index(kind), component.get("name")
    if not isinstance(name, str):
        options = frozenset().union(*known.values())
        for option in component.keys() - {"name"} - options:
            raise GanbenchError(f"no {word} has an option '{option}': {near_miss(option, options)}")
    elif name not in known:
        raise GanbenchError(f"unknown {word} '{name}': {near_miss(name, known)}")
    else:
        for option in component.keys() - {"name"} - known[name]:
            hint = near_miss(option, known[name]) if known[name] else "it has no options"
            raise GanbenchError(f"{word} '{name}' has no option '{option}': {hint}")


def _word(kind: str) -> str:
    return WORDS.get(kind, kind)


def _index(kind: str) -> Mapping[str, frozenset[str]]:
    """The options of each component of a kind, by name."""
    return {entry.name: frozenset(name for name, _ in entry.options) for entry in without_plugins(SINGULAR[kind])}


@cache
def _options(table: str) -> frozenset[str]:
    """The options of training or of evaluation."""
    from ganbench.spec.train_spec import BUDGETS, EvaluationSpec, TrainSpec

    if table == "evaluation":
        return frozenset(option.name for option in dataclasses.fields(EvaluationSpec))
    return frozenset({*BUDGETS, *(option.name for option in dataclasses.fields(TrainSpec))})
