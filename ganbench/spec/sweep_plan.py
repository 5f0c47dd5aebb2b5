"""Plans of sweeps: an experiment file's specs as plain values, kept so that a later look at them needs no torch.

Ids of runs depend on defaults, versions and recipes of components, which are known once a spec is resolved, and to
resolve one imports torch. So what was resolved is kept in the cache, and holds while neither the file nor the code of
ganbench has changed. Specs with components of plug-ins are not kept, as the code of these may change, too.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ganbench.core.annotation import Annotation
from ganbench.core.errors import GanbenchError
from ganbench.core.home import user_cache_folder
from ganbench.core.registry import near_miss
from ganbench.core.settings import UNSET, accepts, flatten
from ganbench.core.unfinished import unfinished_name
from ganbench.spec.spec_record import SpecRecord

PACKAGE = Path(__file__).parents[1]
MAX_PLANS = 200
"""The most plans that are kept; older ones are removed."""


@dataclass(frozen=True)
class SweepPlan:
    """An experiment file's specs and seeds, under one of its budgets.

    Attributes:
        annotations: by group id.
        block: number of seeds that each spec trains before any spec trains more; None for all of them at once.
    """

    name: str
    budget: str
    seeds: tuple[int, ...]
    records: tuple[SpecRecord, ...]
    annotations: Mapping[str, Annotation]
    block: int | None

    @property
    def experiment(self) -> str:
        """The default name of its experiment in a store: those of the file and the budget."""
        return "-".join(filter(None, (self.name, self.budget)))

    @property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """The seeds in blocks, in the order of training; the last block may be smaller."""
        size = self.block or len(self.seeds)
        return tuple(self.seeds[first : first + size] for first in range(0, len(self.seeds), size))

    def where(self, conditions: Mapping[str, Sequence[str]]) -> SweepPlan:
        """The part that meets all conditions; a condition lists the allowed values of an option of the spec.

        Raises:
            GanbenchError: no spec has such an option, or none meets the conditions.
        """
        flat_specs = [{key: str(value) for key, value in flatten(record.settings).items()} for record in self.records]
        known = set().union(*flat_specs)
        for option in conditions:
            if option not in known:
                raise GanbenchError(f"where: there is no option '{option}': {near_miss(option, known)}")
        matching = tuple(
            record
            for record, flat_spec in zip(self.records, flat_specs, strict=True)
            if all(accepts(values, flat_spec.get(option, UNSET)) for option, values in conditions.items())
        )
        if not matching:
            available = "; ".join(
                f"{option} is {', '.join(sorted({flat_spec.get(option, UNSET) for flat_spec in flat_specs}))}"
                for option in conditions
            )
            raise GanbenchError(f"where: nothing in '{self.name}' matches this; there, {available}")
        return dataclasses.replace(self, records=matching)


def keep_plan(path: Path, budget: str | None, plan: SweepPlan, made_from: str) -> None:
    """Keep the plan of an experiment file, unless it has components of plug-ins; a full disk is no error.

    Args:
        budget: the budget that was asked for.
        made_from: what `hash_of` returned before the file was read, which may have changed since.
    """
    if any(name.startswith("code of ") for record in plan.records for name in record.versions):
        return
    place = _place(path, budget)
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.parent / unfinished_name()
        part.write_text(json.dumps({"made_from": made_from, **asdict(plan)}), encoding="utf-8")
        part.replace(place)
        plans = sorted(place.parent.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for oldest in plans[:-MAX_PLANS]:
            oldest.unlink(missing_ok=True)


def find_plan(path: Path, budget: str | None) -> SweepPlan | None:
    """The kept plan of an experiment file; None if there is none, or if the file or the code has changed since.

    Args:
        budget: the budget that is asked for.
    """
    try:
        kept = json.loads(_place(path, budget).read_text(encoding="utf-8"))
        return _plan(kept) if kept.pop("made_from") == hash_of(path) else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None  # missing, or truncated: treated as missing


def _plan(kept: Mapping[str, Any]) -> SweepPlan:
    return SweepPlan(
        name=kept["name"],
        budget=kept["budget"],
        seeds=tuple(kept["seeds"]),
        records=tuple(SpecRecord(**record) for record in kept["records"]),
        annotations={group: _annotation(**values) for group, values in kept["annotations"].items()},
        block=kept["block"],
    )


def _annotation(factors: Sequence[str], primary: Sequence[str], **others: Any) -> Annotation:
    return Annotation(factors=tuple(factors), primary=tuple(primary), **others)


def _place(path: Path, budget: str | None) -> Path:
    name = hashlib.sha256(json.dumps([str(path.absolute()), budget]).encode()).hexdigest()[:24]
    return user_cache_folder() / "plans" / f"{name}.json"


def hash_of(path: Path) -> str:
    """Hash of what the plan of an experiment file depends on: the file and ganbench's code; empty without a file."""
    if not path.is_file():
        return ""
    return hashlib.sha256(path.read_bytes() + _code().encode()).hexdigest()


@cache
def _code() -> str:
    """Hash of the package's code, and of the cards and tables that come with it."""
    files = (path for path in sorted(PACKAGE.rglob("*")) if path.suffix in (".py", ".json"))
    content = hashlib.sha256()
    for path in files:
        content.update(str(path.relative_to(PACKAGE)).encode() + b"\0" + path.read_bytes() + b"\0")
    return content.hexdigest()
