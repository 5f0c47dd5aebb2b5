"""Settings: a spec as plain nested values, read from TOML and flags, and written as TOML.

They are strings and numbers here; `ganbench.spec.run_spec` checks their meaning.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from ganbench.core.errors import GanbenchError

Settings = dict[str, Any]

MAX_SEEDS = 1024
COMPONENTS = ("loss", "arch", "dataset", "protocol")
"""The parts of a spec that are one component."""
LISTS = ("penalty", "wrapper")
"""The parts of a spec that can occur more than once."""
TABLES = ("loss", "penalty", "arch", "wrapper", "dataset", "protocol", "train", "evaluation")
"""All parts of a spec."""
_WORDS = {"True": True, "False": False}
"""Truth values as `flatten` writes them."""


def read_config(path: Path) -> Settings:
    """Settings from a TOML file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise GanbenchError(f"config '{path}' can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise GanbenchError(f"config '{path}' is not valid TOML: {error}") from error


def parse_component(text: str) -> Settings:
    """`name` or `name:option=value,option=value` as settings."""
    name, _, options = text.partition(":")
    settings: Settings = {"name": name}
    for option in _split_options(options):
        key, equals, value = option.partition("=")
        if not equals or not key.strip():
            raise GanbenchError(f"'{text}' should read name:option=value, as in gp:weight=10")
        if key.strip() == "name":
            raise GanbenchError(f"'{text}': the name comes before the colon and can't be set as an option")
        settings[key.strip()] = parse_value(value)
    return settings


def parse_components(text: str) -> list[Settings]:
    """`r1:gamma=1 + r2` or `none` as a list of components."""
    return [parse_component(part.strip()) for part in text.split(" + ") if part.strip() != "none"]


def _split_options(text: str) -> list[str]:
    # A comma inside brackets is part of a value: generator_widths=[128,256].
    return [part for part in re.split(r",(?![^\[]*\])", text) if part.strip()]


# TOML wants digits on both sides of the point.
_SHORT_DECIMAL = re.compile(r"[+-]?(\d+\.|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


def parse_value(text: str) -> Any:
    """A TOML value, or a number as people write it (`.05`, `5.`); anything else is taken as a string."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return float(text) if _SHORT_DECIMAL.fullmatch(text.strip()) else text.strip()


def parse_count(text: str) -> float:
    """Parse `10M`, `400k`, `1e6` or a plain number."""
    match = re.fullmatch(r"\s*(\d{1,12}(?:\.\d{1,9})?(?:[eE]\d{1,2})?)\s*([kKMG]?)\s*", text, re.ASCII)
    if match is None:
        raise GanbenchError(f"'{text}' is not a number like 400k, 10M or 1e6")
    count = float(match[1]) * {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[match[2].replace("K", "k")]
    return int(count) if count.is_integer() else count


def parse_assignment(text: str) -> Settings:
    """`table.option=value` as settings, for `--set`."""
    path, equals, value = text.partition("=")
    parts = path.strip().split(".")
    if not equals or len(parts) != 2 or not all(parts):
        raise GanbenchError(f"--set '{text}' should read table.option=value, as in train.batch_size=128")
    return {parts[0]: {parts[1]: parse_value(value)}}


def parse_stop(text: str) -> Settings:
    """`collapse` or `collapse:N` as settings of the evaluation, for `--stop-on`."""
    match = re.fullmatch(r"(\w+)(?::(\d{1,9}))?", text, re.ASCII)
    if match is None:
        raise GanbenchError(f"--stop-on '{text}' should read collapse, or collapse:5 for five evaluations")
    return {"stop_on": match[1]} | ({"patience": int(match[2])} if match[2] else {})


def merge(layers: Iterable[Mapping[str, Any]]) -> Settings:
    """Merge settings, later layers overriding earlier ones; tables are merged, anything else is replaced."""
    merged: Settings = {}
    for layer in layers:
        for key, value in layer.items():
            lower = merged.get(key)
            if isinstance(value, Mapping) and isinstance(lower, Mapping):
                merged[key] = merge([lower, value])
            else:
                merged[key] = value
    return merged


def parse_seeds(text: str) -> tuple[int, ...]:
    """Parse `0-2`, `0,3,7` or a mixture of both into a sorted tuple of seeds."""
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9}))?\s*", part, re.ASCII)
        if match is None:
            raise GanbenchError(f"seeds '{text}' should look like 0-2 or 0,3,7, each with at most nine digits")
        first = int(match[1])
        last = int(match[2]) if match[2] else first
        if last < first:
            raise GanbenchError(f"seeds '{text}': {first}-{last} runs backwards")
        if last - first >= MAX_SEEDS:
            raise GanbenchError(f"seeds '{text}': more than {MAX_SEEDS} seeds are not allowed")
        seeds += range(first, last + 1)
    if len(set(seeds)) != len(seeds):
        raise GanbenchError(f"seeds '{text}' lists a seed twice")
    return tuple(sorted(seeds))


UNSET = "none"
"""The value, in a condition, of an option that a spec doesn't have, or had not when it was recorded."""


def parse_where(texts: Iterable[str]) -> dict[str, list[str]]:
    """Parse comma-separated conditions `option=value` or `option=value|value` into allowed values by option.

    Raises:
        GanbenchError: a condition is malformed, or an option is named twice.
    """
    conditions: dict[str, list[str]] = {}
    for condition in (part for text in texts for part in _split_options(text)):
        option, equals, values = condition.partition("=")
        if not equals or not option.strip() or not values.strip():
            raise GanbenchError(f"where '{condition}' should read option=value, as in loss=minimax or train.pac=1|2")
        if option.strip() in conditions:
            raise GanbenchError(
                f"where names '{option.strip()}' twice: write {option.strip()}=one|other to match either"
            )
        conditions[option.strip()] = [value.strip() for value in values.split("|")]
    return conditions


def allowed(conditions: Mapping[str, object]) -> dict[str, list[str]]:
    """Return conditions from Python as `parse_where` has them: a value, or several of which any will do."""
    several = (list, tuple, set, frozenset)
    return {
        option: list(map(str, values if isinstance(values, several) else [values]))
        for option, values in conditions.items()
    }


def accepts(words: Collection[str], value: str) -> bool:
    """True if a condition lists a value, or the components in it without some options: `r1` accepts `r1:gamma=1.0`.

    Numbers are compared as numbers: `2e-4` accepts `0.0002`.
    """
    return value in words or any(_names(word, value) for word in words)


def _names(word: str, value: str) -> bool:
    """True if the components of a word are those of a value, with no other options than these."""
    wanted, found = ([_options_of(part) for part in text.split(" + ")] for text in (word, value))
    return len(wanted) == len(found) and all(
        some.items() <= every.items() for some, every in zip(wanted, found, strict=True)
    )


def _options_of(text: str) -> Settings:
    """The name and the options of what may be a component; any other text, or a number, has no options."""
    name, _, options = text.partition(":")
    pairs = (option.partition("=") for option in _split_options(options))
    return {"name": parse_value(name)} | {key.strip(): parse_value(word) for key, _, word in pairs}


def flatten(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Nested settings with dotted names, as they are logged as params and printed."""
    flat: dict[str, Any] = {}
    for key, value in spec.items():
        if isinstance(value, Mapping):
            flat |= {key if sub == "name" else f"{key}.{sub}": leaf for sub, leaf in flatten(value).items()}
        elif key in LISTS:
            flat[key] = " + ".join(_format_component(component) for component in value) or "none"
        else:
            flat[key] = list(value) if isinstance(value, tuple) else value
    return flat


def unflatten(flat: Mapping[str, str]) -> Settings:
    """Nested settings from flat ones as text: the inverse of `flatten`, for values that are written as in TOML.

    Raises:
        GanbenchError: a penalty or a wrapper is malformed.
    """
    settings: Settings = {}
    for key, text in flat.items():
        table, dot, option = key.partition(".")
        if key in LISTS:
            settings[key] = [
                {option: _WORDS.get(str(value), value) for option, value in component.items()}
                for component in parse_components(text)
            ]
        else:
            settings.setdefault(table, {})
            settings[table][option if dot else "name"] = (
                _WORDS[text] if text in _WORDS else parse_value(text) if dot else text
            )
    return settings


def _format_component(component: Mapping[str, Any]) -> str:
    options = ",".join(f"{key}={value}" for key, value in component.items() if key != "name")
    return f"{component['name']}:{options}" if options else str(component["name"])


def to_toml(spec: Mapping[str, Any]) -> str:
    """A spec as TOML, which `--config` reads back."""
    sections: list[str] = []
    for key, value in spec.items():
        tables, head = (value, f"[[{key}]]") if isinstance(value, list) else ([value], f"[{key}]")
        if not tables:
            sections.insert(0, f"{key} = []\n")  # plain values must come before the first table
        for table in tables:
            # JSON strings, numbers, booleans and lists are valid TOML.
            lines = [f"{option} = {json.dumps(leaf)}" for option, leaf in table.items()]
            sections.append("\n".join([head, *lines]) + "\n")
    return "\n".join(sections)
