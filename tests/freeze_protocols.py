"""The frozen protocols: `python -m tests.freeze_protocols` adds those that `frozen.json` lacks.

It never changes an entry. A protocol that differs from its entry needs a new version, which gets its own entry.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any

from ganbench.evaluation import protocols
from ganbench.evaluation.protocols import PROTOCOLS, Case, Rule

FROZEN = Path(protocols.__file__).parent / "frozen.json"
COMMAND = "python -m tests.freeze_protocols"
ABSENT = "absent"


def frozen_protocols() -> dict[str, Any]:
    """Read all entries: by name and version (`ganbench-1 v1`), the settings for each data set.

    Options that cases and rules did not have when an entry was frozen are at their defaults.
    """
    return {label: with_later_options(entry) for label, entry in entries_of_file().items()}


def entries_of_file() -> dict[str, Any]:
    """Read the entries as they were written."""
    entries: dict[str, Any] = json.loads(FROZEN.read_text(encoding="utf-8")) if FROZEN.exists() else {}
    return entries


def current_protocols() -> dict[str, Any]:
    """Return the protocols of the code in the form of `frozen.json`, without those of plug-ins."""
    entries = {
        f"{name} v{protocol.version}": {dataset: settings(case) for dataset, case in protocol().cases().items()}
        for name, protocol in PROTOCOLS.items()
        if not protocol.is_foreign()
    }
    as_json: dict[str, Any] = json.loads(json.dumps(entries))
    return as_json


def settings(case: Case) -> dict[str, Any]:
    """Return all fields of a case; metrics with all of their options, and with their directions."""
    return {
        **asdict(case),
        "metrics": {name: metric.to_spec() for name, metric in case.metrics.items()},
        "directions": {name: metric.direction for name, metric in case.metrics.items()},
    }


def problems(frozen: Mapping[str, Any], current: Mapping[str, Any]) -> Iterator[str]:
    """Describe each protocol that is not as frozen, and the remedy."""
    versions = dict(name_and_version(label) for label in current)
    for label, entry in frozen.items():
        name, version = name_and_version(label)
        if label in current:
            changes = "; ".join(differences(entry, current[label]))
            if changes:
                yield f"{label} has changed ({changes}): give it a new version and run `{COMMAND}`; the old entry stays"
        elif versions.get(name, 0) < version:
            yield f"{label} is gone: only a higher version may replace it"
    for label in current:
        if label not in frozen:
            yield f"{label} is not frozen: run `{COMMAND}`"


def with_later_options(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry with the options that cases and rules did not have when it was frozen, at their defaults."""
    rule = asdict(Rule())
    later = {option.name: option.default for option in fields(Case) if option.default is not MISSING}
    return {dataset: {**later, **case, "rule": {**rule, **case["rule"]}} for dataset, case in entry.items()}


def differences(before: Any, after: Any, place: str = "") -> Iterator[str]:
    """Describe each value that differs, with its place: `ring, samples: 2500 → 5000`."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            below = f"{place}, {key}" if place else key
            yield from differences(before.get(key, ABSENT), after.get(key, ABSENT), below)
    elif before != after:
        yield f"{place}: {before} → {after}"


def name_and_version(label: str) -> tuple[str, int]:
    name, _, version = label.rpartition(" v")
    return name, int(version)


def main() -> None:
    frozen = entries_of_file()
    entries = {**current_protocols(), **frozen}
    FROZEN.write_text(json.dumps(dict(sorted(entries.items())), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print("added:", ", ".join(sorted(entries.keys() - frozen.keys())) or "nothing")


if __name__ == "__main__":
    main()
