"""An experiment file as it is written: its combinations of settings, before any of them is resolved.

Nothing here needs torch. The format is in `ganbench.spec.sweep_spec`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ganbench.core.annotation import Annotation
from ganbench.core.errors import GanbenchError
from ganbench.core.registry import near_miss
from ganbench.core.settings import (
    COMPONENTS,
    LISTS,
    MAX_SEEDS,
    TABLES,
    Settings,
    merge,
    parse_component,
    parse_seeds,
    read_config,
)
from ganbench.spec.annotations import OF_A_VALUE, read_annotation
from ganbench.spec.train_spec import BUDGETS

KEYS = ("question", "seeds", "block", "primary", "collapsed", "tuned", "base", "axes", "budget")
MAX_SPECS = 1_000


class AxisValue(NamedTuple):
    """A value of an axis: settings as written in the file, and what it is called."""

    settings: Settings
    annotation: Annotation


@dataclass(frozen=True)
class SweepFile:
    """An experiment file under one of its budgets.

    Attributes:
        base: the settings shared by all combinations.
        combinations: the values of the axes, in their order.
        outcomes: its primary outcomes, rule for collapsed runs, and how its settings were found, as written.
        block: number of seeds that each spec trains before any spec trains more; None for all of them at once.
    """

    path: Path
    question: str
    budget: str
    seeds: tuple[int, ...]
    block: int | None
    base: Settings
    combinations: tuple[tuple[AxisValue, ...], ...]
    outcomes: Settings

    def settings(self, combination: tuple[AxisValue, ...]) -> Settings:
        """The settings of a combination.

        Raises:
            GanbenchError: one of its values is malformed.
        """
        return merge([self.base, *(_settings(value.settings) for value in combination)])

    @contextmanager
    def naming(self, combination: tuple[AxisValue, ...]) -> Iterator[None]:
        """Let errors say which combination they are about."""
        try:
            yield
        except GanbenchError as error:
            words = ", ".join(f"{key} = {item}" for value in combination for key, item in value.settings.items())
            raise GanbenchError(f"'{self.path}'{f' with {words}' * bool(words)}: {error}") from error


def read_sweep_file(path: Path, budget: str | None = None) -> SweepFile:
    """Read an experiment file.

    Args:
        budget: the name of one of the file's budgets; by default the first.

    Raises:
        GanbenchError: the file is not an experiment.
    """
    file = read_config(path)
    for key in file:
        if key not in KEYS:
            raise GanbenchError(f"'{path}' has an unknown key '{key}': {near_miss(key, KEYS)}")
    budgets = _tables(file, "budget", path)
    for name, settings in budgets.items():
        if not isinstance(settings, Mapping):
            raise GanbenchError(f"'{path}': a budget is a table: write [budget.{name}] and its settings below")
    budget_name = budget or next(iter(budgets), "")
    if budget_name and budget_name not in budgets:
        raise GanbenchError(f"'{path}' has no budget '{budget_name}': {near_miss(budget_name, budgets)}")
    limits = dict(budgets.get(budget_name, {}))
    seeds = limits.pop("seeds", file.get("seeds", "0"))
    base = _merge_budget(_settings(_tables(file, "base", path)), _settings(limits))
    axes = [_axis(name, values, path) for name, values in _tables(file, "axes", path).items()]
    _check_distinct(base, [[value.settings for value in axis] for axis in axes], path)
    combinations = tuple(itertools.islice(itertools.product(*axes), MAX_SPECS + 1))
    if len(combinations) > MAX_SPECS:
        raise GanbenchError(f"'{path}' has more than {MAX_SPECS:,} combinations: split it into several files")
    return SweepFile(
        path=path,
        question=" ".join(str(file.get("question", "")).split()),
        budget=budget_name,
        seeds=_seeds(seeds, path),
        block=_block(file, budgets, path),
        base=base,
        combinations=combinations,
        outcomes={key: file[key] for key in ("primary", "collapsed", "tuned") if key in file},
    )


def _seeds(written: Any, path: Path) -> tuple[int, ...]:
    """Parse a number of seeds, or a string that lists them."""
    if isinstance(written, int) and not isinstance(written, bool):
        if not 1 <= written <= MAX_SEEDS:
            raise GanbenchError(f"'{path}': the number of seeds must be between 1 and {MAX_SEEDS}, not {written}")
        return tuple(range(written))
    if not isinstance(written, str):
        raise GanbenchError(f"'{path}': seeds should be a number like 10 or text like \"0-9\", not {written!r}")
    return parse_seeds(written)


def _block(file: Settings, budgets: Mapping[str, Any], path: Path) -> int | None:
    """Read the size of a block. Budgets with fewer seeds, such as a rehearsal's, train all of theirs at once."""
    block = file.get("block")
    if block is None:
        return None
    written = [table["seeds"] for table in (file, *budgets.values()) if "seeds" in table]
    most = max((len(_seeds(seeds, path)) for seeds in written), default=1)
    if not isinstance(block, int) or isinstance(block, bool) or not 1 <= block <= most:
        raise GanbenchError(
            f"'{path}': block must be a whole number from 1 to the number of seeds, which is {most}, not {block!r}"
        )
    return block


def _tables(file: Mapping[str, Any], key: str, path: Path) -> Mapping[str, Any]:
    table = file.get(key, {})
    if not isinstance(table, Mapping):
        raise GanbenchError(f"'{path}': '{key}' must be a table: write [{key}] and what belongs to it below")
    return table


def _axis(name: str, values: Any, path: Path) -> list[AxisValue]:
    if not isinstance(values, list) or not values:
        raise GanbenchError(f"'{path}': the axis '{name}' must be a list of at least one value")
    free = name.partition(".")[0] not in TABLES
    try:
        return [_free_value(name, value) if free else _value(name, value) for value in values]
    except GanbenchError as error:
        raise GanbenchError(f"'{path}': the axis '{name}': {error}") from error


def _free_value(name: str, value: Any) -> AxisValue:
    """A value of an axis with a name of its own: a table of settings, with its annotation."""
    if not isinstance(value, Mapping):
        return AxisValue({name: value}, Annotation())
    settings = {key: setting for key, setting in value.items() if key not in OF_A_VALUE}
    return AxisValue(settings, read_annotation(value))


def _value(name: str, value: Any) -> AxisValue:
    """A value of an axis that is named by what it varies; a table is a component, or settings that go together."""
    if not isinstance(value, Mapping) or "name" in value:
        return AxisValue({name: value}, Annotation())
    for key in ("dose", "factors"):
        if key in value:
            raise GanbenchError(f"a setting's values have no {key}: give the axis a name of its own")
    return AxisValue(dict(value), Annotation())


def _merge_budget(base: Settings, limits: Settings) -> Settings:
    """Merge a budget over the base: components and amounts that it names replace the base's entirely."""
    unchanged = {key: value for key, value in base.items() if not (key in COMPONENTS and key in limits)}
    if any(currency in limits.get("train", {}) for currency in BUDGETS):
        unchanged["train"] = {key: value for key, value in unchanged.get("train", {}).items() if key not in BUDGETS}
    return merge([unchanged, limits])


def _check_distinct(base: Settings, axes: list[list[Settings]], path: Path) -> None:
    """Refuse an option that is set in two places, which would train something other than the file says."""
    axis_of_key: dict[str, int] = {}
    for number, axis in enumerate(axes):
        for key in {key for value in axis for key in value}:
            if axis_of_key.setdefault(key, number) != number:
                raise GanbenchError(f"'{path}': two axes set '{key}'")
            if key in COMPONENTS and key in base:
                # Its options, and a loss's recipe, would be mixed with those of the axis.
                raise GanbenchError(
                    f"'{path}': '{key}' is set in [base] or the budget, and also in an axis: remove one"
                )


def _settings(written: Mapping[str, Any]) -> Settings:
    """Settings from dotted names and from components in the syntax of flags."""
    layers: list[Settings] = []
    for key, value in written.items():
        table, dot, option = key.partition(".")
        if dot:
            layers.append({table: {option: value}})
        elif key in COMPONENTS and isinstance(value, str):
            layers.append({key: parse_component(value)})
        elif key in LISTS or (key in TABLES and isinstance(value, Mapping)):
            layers.append({key: value})
        elif key in TABLES:
            raise GanbenchError(f"'{key}' can't be {value!r}: write its options, as in {key}.option = …")
        else:
            raise GanbenchError(
                f"there is no setting '{key}': {near_miss(key, TABLES)}; axes with other names need tables as values"
            )
    return merge(layers)
