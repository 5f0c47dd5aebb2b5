"""What components there are, told without importing them: that would import torch, which takes seconds.

A component says in its source what a person wants to know of it: the name it is registered under, a line about it, and
its options with their defaults. What a plug-in adds is known only once it is imported, and then the registry knows.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

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


@dataclasses.dataclass(frozen=True)
class Entry:
    """A component as a person sees it: its name, a line about it, and its options with their defaults."""

    name: str
    summary: str
    options: tuple[tuple[str, object], ...]


def from_registry(registry: Registry[Any]) -> list[Entry]:
    """What a registry holds, plug-ins included."""
    entries = []
    for name, component in registry.items():
        options = tuple((option.name, option.default) for option in dataclasses.fields(component))
        entries.append(Entry(name, component.summary(), options))
    return entries


def from_source(kind: str) -> list[Entry]:
    """The same of our own components of a kind, read from their source."""
    source = _Source(PACKAGE / FOLDERS[kind])
    return sorted(source.entries(), key=lambda entry: entry.name)


@cache
def directions() -> Mapping[str, str]:
    """By metric of our own, what is better: `lower`, `higher`, or `real`, nearer to what real data score."""
    return dict(_Source(PACKAGE / FOLDERS["metrics"]).constants_of_class("direction"))


class _Source:
    """The classes and constants of a folder of modules, by name.

    A base or a default is looked up in the whole folder, whichever module imports it from which. The tests hold what is
    read against the registries, so a name that means two things, or a default that is computed, does not go unnoticed.
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
        """Every class that is registered."""
        for name, cls in self._registered():
            summary = (ast.get_docstring(cls, clean=False) or "").strip().partition("\n")[0]
            yield Entry(name, summary, tuple(self._options(cls).items()))

    def constants_of_class(self, name: str) -> Iterator[tuple[str, str]]:
        """Of every class that is registered: its name, and the word that it or a base gives to a class variable."""
        for entry, cls in self._registered():
            if (word := self._word(cls, name)) is not None:
                yield entry, word

    def _word(self, cls: ast.ClassDef, name: str) -> str | None:
        for statement in cls.body:
            match statement:
                case ast.AnnAssign(target=ast.Name(id=target), value=ast.Constant(value=str(own))) if target == name:
                    return own
        bases = (
            self._classes[base.id] for base in cls.bases if isinstance(base, ast.Name) and base.id in self._classes
        )
        return next((word for base in bases if (word := self._word(base, name)) is not None), None)

    def _registered(self) -> Iterator[tuple[str, ast.ClassDef]]:
        for cls in self._classes.values():
            for decorator in cls.decorator_list:
                match decorator:
                    case ast.Call(func=ast.Name(id="register"), args=[_, ast.Constant(value=str(name))]):
                        yield name, cls

    def _options(self, cls: ast.ClassDef) -> dict[str, object]:
        """A class's options in the order of a dataclass: a base's first, each where it first appears."""
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
        """A default's value: written out, or the name of a constant."""
        match default:
            case ast.Name(id=name):
                return self._value(self._constants[name])
        return ast.literal_eval(default)
