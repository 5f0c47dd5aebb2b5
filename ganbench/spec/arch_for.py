"""Architectures with the defaults that suit a data set."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ganbench.data import Dataset
from ganbench.methods.archs import ARCHS, Arch


def arch_for(dataset: Dataset, options: Mapping[str, Any]) -> Arch:
    """Create an architecture: options that are left out come from the data set's defaults, then from its own.

    A spec in full, as runs record it, leaves out only `later_options` at the architecture's own defaults. So where all
    others are given, the data set's defaults don't apply, and a run of an earlier version keeps its networks and id.

    Args:
        options: the name and any options.

    Raises:
        GanbenchError: the name or an option is unknown, or a value is of the wrong type or out of range.
    """
    name = options["name"]
    recorded = {option.name for option in dataclasses.fields(ARCHS[name])} - set(ARCHS[name].later_options)
    suited = {} if recorded <= options.keys() else dataset.defaults.get("arch", {}).get(name, {})
    return ARCHS.create({**suited, **options})
