"""An index of the components, read from source: importing them would import torch, which takes seconds.

A component's source states everything a listing shows: its registered name, a one-line summary, and its options with
their defaults. Components of plug-ins are known only once the plug-in is imported, and then come from the registry.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ganbench.core.own_data import own_cards
from ganbench.core.registry import Registry

PACKAGE = Path(__file__).parents[1]
FOLDERS: Mapping[str, str] = {
    "losses": "methods/losses",
    "penalties": "methods/penalties",
    "archs": "methods/archs",
    "wrappers": "methods/wrappers",
    "datasets": "data",
    "metrics": "evaluation/metrics",
    "protocols": "evaluation/protocols",
}
"""The folder of each kind of component."""
SINGULAR: Mapping[str, str] = {
    "loss": "losses",
    "penalty": "penalties",
    "arch": "archs",
    "wrapper": "wrappers",
    "dataset": "datasets",
    "metric": "metrics",
    "protocol": "protocols",
}
"""The kind, by the word for one of it, which is also the option that names one."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """A component as it is listed: its name, a one-line summary, its options with their defaults, and its docstring."""

    name: str
    summary: str
    options: tuple[tuple[str, object], ...]
    docstring: str = ""


def from_registry(registry: Registry[Any]) -> list[Entry]:
    """The components in a registry, plug-ins included."""
    entries = []
    for name, component in registry.items():
        options = tuple((option.name, option.default) for option in dataclasses.fields(component))
        entries.append(Entry(name, component.summary(), options, inspect.cleandoc(component.__doc__ or "")))
    return entries


@cache
def from_source(kind: str) -> list[Entry]:
    """The built-in components of a kind, read from their source."""
    source = _Source(PACKAGE / FOLDERS[kind])
    return sorted(source.entries(), key=lambda entry: entry.name)


def without_plugins(kind: str) -> list[Entry]:
    """The components of a kind that are there without a plug-in: the built-in ones, and data sets of the user's own."""
    entries = from_source(kind)
    if kind == "datasets":
        taken = {entry.name for entry in entries}
        own = {name: card.summary for name, card in own_cards().items() if name not in taken}
        entries = [*entries, *(Entry(name, summary, (), summary) for name, summary in own.items())]
    return sorted(entries, key=lambda entry: entry.name)


class _Source:
    """The classes and constants of a folder of modules, by name.

    Base classes and defaults are looked up in the whole folder, ignoring which module imports what. The tests compare
    the result with the registries, so an ambiguous name or a computed default does not go unnoticed.
    """

    def __init__(self, folder: Path) -> None:
        self._classes: dict[str, ast.ClassDef] = {}
        self._constants: dict[str, ast.expr] = {}
        for file in sorted(folder.glob("*.py")):
            for statement in ast.parse(file.read_text(encoding="utf-8")).body:
                match statement:
                    case ast.ClassDef(name=name):
                        self._classes[name] = statement
                    case ast.Assign(targets=[ast.Name(id=name)], value=value):
                        self._constants[name] = value

    def entries(self) -> Iterator[Entry]:
        """The registered classes."""
        for name, cls in self._registered():
            summary = (ast.get_docstring(cls, clean=False) or "").strip().partition("\n")[0]
            yield Entry(name, summary, tuple(self._options(cls).items()), ast.get_docstring(cls) or "")

    def _registered(self) -> Iterator[tuple[str, ast.ClassDef]]:
        for cls in self._classes.values():
            for decorator in cls.decorator_list:
                match decorator:
                    case ast.Call(func=ast.Name(id="register"), args=[_, ast.Constant(value=str(name))]):
                        yield name, cls

    def _options(self, cls: ast.ClassDef) -> dict[str, object]:
        """A class's options in dataclass order: those of its bases first, each at its first appearance."""
        options: dict[str, object] = {}
        for base in reversed(cls.bases):
            match base:
                case ast.Name(id=name) if name in self._classes:
                    options |= self._options(self._classes[name])
        for statement in cls.body:
            match statement:
                case ast.AnnAssign(annotation=ast.Subscript(value=ast.Name(id="ClassVar"))):
                    pass
                case ast.AnnAssign(target=ast.Name(id=option), value=ast.expr() as default):
                    options[option] = self._value(default)
        return options

    def _value(self, default: ast.expr) -> object:
        """The value of a default: a literal, or a named constant."""
        match default:
            case ast.Name(id=name):
                return self._value(self._constants[name])
        return ast.literal_eval(default)
