"""Experiments as files: a question, the settings shared by all runs, the axes that vary, and named budgets.

    question = "Does packing bring back lost modes?"
    seeds = 10                              # or words, as in `--seeds`: "0-4,7"
    block = 5                               # train five seeds of every combination, then the next five; optional
    primary = ["kl_corrected", "lost"]      # the outcomes that will answer it, chosen before the first run
    collapsed = "kl_corrected > 1"          # which runs count as collapsed
    tuned = "no"                            # how the settings were found: or "both learning rates, 20 runs each"
    [base]                                  # settings as in `--config`; a component may be written as in a flag
    dataset = "ring"
    [axes]                                  # every combination is trained
    loss = ["minimax", "wgan-gp"]
    packing = [{ "train.pac" = 1 }, { "train.pac" = 2, "train.batch_size" = 512 }]
    [budget.course]                         # the first is the default; settings, and seeds if they differ
    "train.steps" = 2000
    [budget.paper]
    "train.steps" = 400_000
    seeds = "0-49"

An axis is named by what it varies (`loss`, `penalty`, `train.n_critic`, ...), or freely where each of its values is a
table of settings that go together. Such a table may say what it is called, and how much of something it is:

    balance = [
        { name = "balanced", dose = { "generator updates for one of the discriminator" = 1 } },
        { dose = { "generator updates for one of the discriminator" = 5 }, "train.n_generator" = 5 },
    ]
    penalties = [{ name = "no penalty" }, { name = "R1", factors = ["R1"], penalty = "r1" }]

A combination is called by the names of its values, in the order of the axes and separated by commas; values without one
contribute nothing. Only one axis may have doses. In a factorial design, `factors` lists those that a value turns on;
the report computes the effect of each. Names, doses, factors and outcomes are shown in tables and pictures, but no
result depends on them: they may be changed after training, and the next sweep of the file tracks them with all runs. In
an axis that is named by what it varies, a table with `name` is a component, as in `loss = [{ name = "minimax",
smoothing = 0.1 }]`.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ganbench.core.annotation import Annotation
from ganbench.core.errors import GanbenchError
from ganbench.core.registry import near_miss
from ganbench.core.settings import (
    LISTS,
    MAX_SEEDS,
    Settings,
    flatten,
    merge,
    parse_component,
    parse_seeds,
    read_config,
)
from ganbench.spec.annotations import OF_A_VALUE, annotate, read_annotation
from ganbench.spec.run_spec import BUDGETS, TABLES, RunSpec, resolve

KEYS = ("question", "seeds", "block", "primary", "collapsed", "tuned", "base", "axes", "budget")
COMPONENTS = ("loss", "arch", "dataset", "protocol")
MAX_SPECS = 1_000


@dataclass(frozen=True)
class Sweep:
    """An experiment file's specs and seeds, under one of its budgets.

    Attributes:
        annotations: by group id.
        block: number of seeds that each spec trains before any spec trains more; None for all of them at once.
    """

    name: str
    question: str
    budget: str
    seeds: tuple[int, ...]
    specs: tuple[RunSpec, ...]
    annotations: Mapping[str, Annotation] = field(default_factory=dict)
    block: int | None = None

    @property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """The seeds in blocks, in the order of training; the last block may be smaller."""
        size = self.block or len(self.seeds)
        return tuple(self.seeds[first : first + size] for first in range(0, len(self.seeds), size))

    def where(self, conditions: Mapping[str, Sequence[str]]) -> Sweep:
        """The part that meets all conditions; a condition lists the allowed values of an option of the spec.

        Raises:
            GanbenchError: no spec has such an option, or none meets the conditions.
        """
        flat_specs = [{key: str(value) for key, value in flatten(spec.to_dict()).items()} for spec in self.specs]
        known = set().union(*flat_specs)
        for option in conditions:
            if option not in known:
                raise GanbenchError(f"--where: there is no option '{option}': {near_miss(option, known)}")
        matching = tuple(
            spec
            for spec, flat_spec in zip(self.specs, flat_specs, strict=True)
            if all(flat_spec.get(option) in values for option, values in conditions.items())
        )
        if not matching:
            available = "; ".join(
                f"{option} is {', '.join(sorted({flat_spec.get(option, '') for flat_spec in flat_specs}))}"
                for option in conditions
            )
            raise GanbenchError(f"--where: nothing in '{self.name}' matches this; there, {available}")
        return dataclasses.replace(self, specs=matching)


class AxisValue(NamedTuple):
    """A value of an axis: settings as written in the file, and what it is called."""

    settings: Settings
    annotation: Annotation


def read_sweep(path: Path, budget: str | None = None) -> Sweep:
    """Read an experiment file; return every combination of its axes as a resolved spec.

    Args:
        budget: the name of one of the file's budgets; by default the first.

    Raises:
        GanbenchError: the file is not an experiment, or a combination can't be trained; the message says which.
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
    cells = list(itertools.islice(itertools.product(*axes), MAX_SPECS + 1))
    if len(cells) > MAX_SPECS:
        raise GanbenchError(f"'{path}' has more than {MAX_SPECS:,} combinations: split it into several files")
    combinations: list[tuple[RunSpec, list[Annotation]]] = []
    for cell in cells:
        try:
            spec = resolve(merge([base, *(_settings(value.settings) for value in cell)]))
        except GanbenchError as error:
            combination = ", ".join(f"{key} = {item}" for value in cell for key, item in value.settings.items())
            raise GanbenchError(f"'{path}'{f' with {combination}' * bool(combination)}: {error}") from error
        combinations.append((spec, [value.annotation for value in cell]))
    try:
        annotations = annotate(file, combinations)
    except GanbenchError as error:
        raise GanbenchError(f"'{path}': {error}") from error
    specs = {spec.group_id: spec for spec, _ in combinations}
    question = " ".join(str(file.get("question", "")).split())
    block = _block(file, budgets, path)
    return Sweep(path.stem, question, budget_name, _seeds(seeds, path), tuple(specs.values()), annotations, block)


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
