"""Components as they are written on the command line."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from ganbench.core.registry import Component


def stated(component: Component) -> str:
    """Write a component with the options that aren't its own defaults, as in `ring:radius=2.0`."""
    defaults = {option.name: option.default for option in dataclasses.fields(component)}
    options = {name: value for name, value in dataclasses.asdict(component).items() if value != defaults[name]}
    return _written(component.name, options)


def stated_in_full(component: Component) -> str:
    """Write a component with all options, so that defaults of a data set don't apply (see `arch_for`)."""
    return _written(component.name, dataclasses.asdict(component))


def _written(name: str, options: Mapping[str, Any]) -> str:
    values = {option: value if isinstance(value, str) else json.dumps(value) for option, value in options.items()}
    return ":".join([name, *filter(None, [",".join(f"{option}={value}" for option, value in values.items())])])
