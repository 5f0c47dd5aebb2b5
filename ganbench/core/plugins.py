"""Plug-ins: Python files, and installed packages, that register components."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ganbench.core.errors import GanbenchError
from ganbench.core.registry import near_miss

PLUGIN_GROUP = "ganbench.plugins"
"""Entry-point group under which an installed package announces its components."""

SOURCE = "__ganbench_source__"
"""Attribute of an imported file: its path and its content."""


def installed_plugins() -> importlib.metadata.EntryPoints:
    """The installed plug-ins, as entry points of group `ganbench.plugins`."""
    return importlib.metadata.entry_points(group=PLUGIN_GROUP)


def load_plugins(files: Iterable[Path] = ()) -> None:
    """Import the installed plug-ins and the given Python files."""
    for entry in installed_plugins():
        with _plugin_errors(f"the installed plug-in '{entry.name}'"):
            entry.load()
    for file in files:
        _import_file(file)


def load_plugin(target: str) -> str:
    """Import one plug-in, and return the name of its module.

    Args:
        target: the name of an installed plug-in's entry point, a module, or a Python file.

    Raises:
        GanbenchError: there is no such plug-in, or it can't be imported.
    """
    if target.endswith(".py"):
        return _import_file(Path(target))
    installed = installed_plugins()
    module = next((entry.module for entry in installed if entry.name == target), target)
    with _plugin_errors(f"the plug-in '{target}'"):
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise  # the plug-in exists, but one of its own imports is missing
            raise GanbenchError(
                f"there is no plug-in or module '{target}' (a file's name must end in .py); among installed plug-ins, "
                f"{near_miss(target, installed.names)}"
            ) from error
    return module


def _import_file(file: Path) -> str:
    """Import a Python file as a module of its own, and return that module's name; once is enough for a process."""
    name = f"ganbench_plugin_{file.stem}"
    if not file.is_file():
        raise GanbenchError(f"there is no plugin file '{file}'")
    try:
        source = str(file.resolve()), file.read_bytes()
    except OSError as error:
        raise GanbenchError(f"the plug-in '{file}' can't be read: {error.strerror}") from error
    loaded = getattr(sys.modules.get(name), SOURCE, None)
    if loaded == source:
        return name
    if loaded is not None and loaded[0] == source[0]:
        raise GanbenchError(f"the plug-in '{file}' has changed since this process loaded it: start Python again")
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise GanbenchError(f"the plug-in '{file}' is not a Python file (its name should end in .py)")
    module = importlib.util.module_from_spec(spec)
    setattr(module, SOURCE, source)
    sys.modules[name] = module
    try:
        with _plugin_errors(f"the plug-in '{file}'"):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return name


@contextmanager
def _plugin_errors(plugin: str) -> Iterator[None]:
    """Turn any exception of a plug-in into a one-line error that names the plug-in, for its author to fix."""
    try:
        yield
    except GanbenchError:
        raise
    except (Exception, SystemExit) as error:
        words = " ".join(str(error).split())
        raise GanbenchError(f"{plugin} can't be loaded: {type(error).__name__}: {words}") from error
