"""The spec that is asked for, by a command or a call: wrong names are refused before torch is imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganbench.core.plugins import load_plugins
from ganbench.core.settings import read_config
from ganbench.spec.known_names import refuse_unknown_in_file, refuse_unknown_settings

if TYPE_CHECKING:
    from ganbench.spec.run_spec import RunSpec
    from ganbench.spec.sweep_spec import Sweep


def resolve_asked(settings: Mapping[str, Any], config: Path | None, plugins: Sequence[Path] = ()) -> RunSpec:
    """Resolve settings, which override those of a file.

    Raises:
        GanbenchError: the file can't be read, or a setting is unknown or wrong.
    """
    file_settings = read_config(config) if config else {}
    refuse_unknown_settings(settings, plugins)
    refuse_unknown_settings(file_settings, plugins)
    from ganbench.spec.run_spec import apply_overrides, resolve

    load_plugins(plugins)
    return resolve(apply_overrides(file_settings, settings))


def read_asked_sweep(file: Path, budget: str | None, plugins: Sequence[Path] = ()) -> Sweep:
    """Read an experiment file.

    Raises:
        GanbenchError: the file is no experiment, or a setting in it is unknown or wrong.
    """
    refuse_unknown_in_file(file, budget, plugins)
    from ganbench.spec.sweep_spec import read_sweep

    load_plugins(plugins)
    return read_sweep(file, budget)
