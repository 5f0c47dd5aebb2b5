"""Named components: registries to find, describe and create losses, architectures, metrics, etc.

A component is a frozen dataclass whose fields are its options. Registering it under a name makes it available to
the command line, the listing, the checks and the run id.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import importlib
import inspect
import math
import pkgutil
from abc import ABC
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, dataclass_transform

from ganbench.core.errors import GanbenchError

MAX_INTEGER = 10**15
"""Exclusive upper bound for integer options; no step or sample count is as large."""


class Component(ABC):
    """An object with a name and options; its dataclass fields are the options."""

    name: ClassVar[str]
    later_options: ClassVar[tuple[str, ...]] = ()
    """Options that earlier runs did not have: a spec leaves them out at their defaults, so that run ids stay the same.

    If such a default changes, the option has to be removed from here, since the absence in a tracked spec means the
    old default.
    """
    if TYPE_CHECKING:  # `register` makes every component a dataclass
        __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    def to_spec(self) -> dict[str, Any]:
        """Name and options as plain values, for hashing, logging and printing."""
        unused = {
            option.name
            for option in dataclasses.fields(self)
            if option.name in self.later_options and getattr(self, option.name) == option.default
        }
        options = {option: value for option, value in dataclasses.asdict(self).items() if option not in unused}
        return {"name": self.name, **options}

    @classmethod
    def summary(cls) -> str:
        """The first line of the docstring: what it is and where it comes from."""
        return (cls.__doc__ or "").strip().partition("\n")[0]

    @classmethod
    def is_foreign(cls) -> bool:
        """Return whether it comes from elsewhere than this package: from a plug-in, or from a user's own data."""
        return cls.__module__.partition(".")[0] != "ganbench"

    @classmethod
    def code_sha256(cls) -> str:
        """SHA-256 of the file that defines it, or of what else does."""
        return hashlib.sha256(Path(inspect.getfile(cls)).read_bytes()).hexdigest()


C = TypeVar("C", bound=Component)


def near_miss(word: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known word, or all known words if none is near."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1)
    return f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(names) or 'none'}"


class Registry(Mapping[str, type[C]]):
    """The components of one kind, by name, in alphabetical order."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._classes: dict[str, type[C]] = {}
        self._sources: list[Callable[[], Mapping[str, type[C]]]] = []

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._all()))

    def __len__(self) -> int:
        return len(self._all())

    def __contains__(self, name: object) -> bool:
        return name in self._classes or name in self._all()

    def __getitem__(self, name: str) -> type[C]:
        known = self._classes if name in self._classes else self._all()
        if name not in known:
            raise GanbenchError(f"unknown {self.kind} '{name}': {near_miss(name, known)}")
        return known[name]

    def add_source(self, source: Callable[[], Mapping[str, type[C]]]) -> None:
        """Include components that come and go with files: `source` returns those of the moment, by name."""
        self._sources.append(source)

    def _all(self) -> Mapping[str, type[C]]:
        """All components by name; a registered one goes before one of a source."""
        found: dict[str, type[C]] = {}
        for source in self._sources:
            found |= source()
        return found | self._classes

    def add(self, name: str, component: type[C]) -> None:
        if name in self._classes:
            raise GanbenchError(f"there is already a {self.kind} named '{name}'")
        self._classes[name] = component

    def create(self, spec: Mapping[str, Any]) -> C:
        """Create a component from its name and options; an unknown or ill-typed option is an error."""
        options = dict(spec)
        component = self[options.pop("name")]
        instance: C = from_options(component, options, f"{self.kind} '{component.name}'")
        return instance


@dataclass_transform(frozen_default=True)
def register(registry: Registry[C], name: str) -> Callable[[type[C]], type[C]]:
    """Class decorator: make the class a frozen dataclass and add it to a registry under a name."""

    def decorate(cls: type[C]) -> type[C]:
        component = dataclasses.dataclass(frozen=True)(cls)
        component.name = name
        missing = sorted(component.__abstractmethods__)
        if missing:
            raise GanbenchError(f"{registry.kind} '{name}' doesn't define {', '.join(missing)}")
        for option in dataclasses.fields(component):
            _check_default(option, f"{registry.kind} '{name}'")
        registry.add(name, component)
        return component

    return decorate


def from_options(cls: type[Any], options: Mapping[str, Any], owner: str) -> Any:
    """Create a dataclass from plain values, taking each option's type from its default.

    Every option has a default, and the default's type is the option's type: an int is accepted where a
    float is expected and a list where a tuple is; nothing else is converted.
    """
    fields = {field.name: field for field in dataclasses.fields(cls)}
    values: dict[str, Any] = {}
    for key, value in options.items():
        if key not in fields:
            hint = near_miss(key, fields) if fields else "it has no options"
            raise GanbenchError(f"{owner} has no option '{key}': {hint}")
        values[key] = _fit(value, fields[key].default, f"{owner}: option '{key}'")
    try:
        return cls(**values)
    except ValueError as error:
        raise GanbenchError(f"{owner}: {error}") from error


def _fit(value: Any, default: Any, what: str) -> Any:
    if isinstance(default, tuple):
        if not isinstance(value, list | tuple):
            raise GanbenchError(f"{what} must be a list like {list(default)}, not {value!r}")
        return tuple(_fit(item, default[0], what) for item in value)
    if isinstance(value, int) and not -MAX_INTEGER < value < MAX_INTEGER:
        raise GanbenchError(f"{what} must be smaller than {MAX_INTEGER:,}")
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if isinstance(default, str) and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # a word like 28, written without quotes
    if isinstance(value, float) and not math.isfinite(value):
        raise GanbenchError(f"{what} must be finite, not {value}")
    if type(value) is not type(default):
        raise GanbenchError(f"{what} must be {_kind(default)} like {default!r}, not {value!r}")
    return value


def _check_default(option: dataclasses.Field[Any], owner: str) -> None:
    default = option.default
    first = default[0] if isinstance(default, tuple) and default else default
    if not isinstance(first, bool | int | float | str):
        raise GanbenchError(
            f"{owner}: option '{option.name}' needs a default that is a number, a word, true or false, "
            f"or a tuple of these"
        )


def _kind(value: Any) -> str:
    return {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}[type(value)]


def import_folder(package: str, path: Iterable[str]) -> None:
    """Import every module of a package, so that adding a component requires only a new file."""
    for module in pkgutil.iter_modules(path):
        importlib.import_module(f"{package}.{module.name}")
