"""The tidy table: one row a number, made of tracked runs. Everything after it is a function of it.

Columns: `run, group, dataset, protocol, arch, loss, options, seed, step, critic_steps, generator_steps, images,
critic_evaluations, metric, value, floor, ceiling, status, commit, device, seconds`; the five from `step` on and
`seconds` are what training had cost by then (see `ganbench.spec.budget`). A run without numbers yet keeps one row with
an empty metric, so that it is never lost from a count. `protocol` is the protocol's name and version where its full
number of samples was scored, the same and `/quick` for the smaller scores during training, `train` for statistics of
the training itself, and `events` for what the collapse detector found: there the metric is the kind of event and the
value its severity. Columns of words are categorical, for a million rows hold few words; all but `run`, by which they
are joined.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ganbench.tracking import COST_TAG, RunRecord

COSTS = ("critic_steps", "generator_steps", "images", "critic_evaluations")
KEYS = ["run", "group", "dataset", "protocol", "arch", "loss", "options", "seed", "step", *COSTS]
COLUMNS = [*KEYS, "metric", "value", "floor", "ceiling", "status", "commit", "device", "seconds"]
HEAD = ("run", "group", "dataset", "arch", "loss", "options", "seed", "status", "commit", "device")
"""Columns of a run."""
NUMBERS = {
    **dict.fromkeys(("seed", "step", *COSTS), "int64"),
    **dict.fromkeys(("value", "floor", "ceiling", "seconds"), "float64"),
}
"""Types of the columns that aren't words."""
WORD_COLUMNS = [column for column in COLUMNS if column not in NUMBERS]
FEW = [column for column in WORD_COLUMNS if column != "run"]
"""Columns of few distinct words."""
NAMED = ("loss", "arch", "dataset", "protocol")
QUICK = "/quick"
TRAIN = "train"
EVENTS = "events"
NONE = float("nan")
NOTHING = "train/"
"""The name of a number without a metric: of a run that has no other, so that it has a row."""


def tidy(records: Sequence[RunRecord]) -> pd.DataFrame:
    """The tidy table of some runs."""
    # What all rows of a run share is written once and repeated.
    heads = pd.DataFrame([_head(record) for record in records], columns=[*HEAD, *COSTS])
    heads = heads.astype(dict.fromkeys(set(HEAD) & set(FEW), "category"))
    numbers = _numbers([_tracked(record) for record in records])
    run, which = numbers.pop("at").to_numpy(), numbers.pop("which").to_numpy()
    own = [record.tags.get("protocol", record.params.get("protocol", "")) for record in records]
    protocols = np.array([[name, name + QUICK, TRAIN, EVENTS] for name in own], dtype=object).reshape(-1, 4)
    table = heads.take(run).reset_index(drop=True).assign(**numbers, protocol=protocols[run, which])
    for cost in COSTS:
        table[cost] *= table["step"]
    return typed(table[COLUMNS])


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """The table with each column's type.

    Raises:
        ValueError, TypeError: a value isn't of it.
    """
    return table.astype(NUMBERS | dict.fromkeys(FEW, "category"))


def _head(record: RunRecord) -> tuple[object, ...]:
    """What all rows of a run share, and what a step costs."""
    params, tags = record.params, record.tags
    options = "; ".join(f"{key}={params[key]}" for key in sorted(params) if key not in (*NAMED, "seed"))
    named = (params.get(name, "") for name in ("dataset", "arch", "loss"))
    surroundings = (record.status, tags.get("commit", ""), tags.get("device", ""))
    costs = (int(tags.get(f"{COST_TAG}{name}", 0)) for name in COSTS)
    return (record.id, record.group, *named, options, record.seed, *surroundings, *costs)


def _tracked(record: RunRecord) -> list[tuple[str, int, float]]:
    """Names, steps and values of a run's numbers: when it was given up among them, and `NOTHING`."""
    rows = [*record.history]
    if record.status in ("collapsed", "diverged", "stopped"):
        ended = int(record.tags.get("ended-at", 0))
        rows.append(("train/ended-at", ended, float(ended)))
    return [*rows, (NOTHING, 0, NONE)]


def _numbers(runs: Sequence[Sequence[tuple[str, int, float]]]) -> pd.DataFrame:
    """Values of runs, with bounds and times beside them.

    `at` is the run's position, `which` the kind of number that `parse_metric_name` tells.
    """
    names, steps, values = ([row[column] for rows in runs for row in rows] for column in range(3))
    at = np.repeat(np.arange(len(runs)), [len(each) for each in runs])
    codes, distinct = pd.factorize(np.array(names, dtype=object))
    rows = pd.DataFrame({"at": at, "name": codes, "step": steps, "value": values})
    rows = rows.drop_duplicates(["at", "name", "step"], keep="last")
    places = pd.DataFrame([parse_metric_name(name) for name in distinct], columns=["which", "role", "metric"])
    places["metric"] = places["metric"].astype("category")
    rows = rows.join(places, on="name")
    found = rows[rows["role"] == "value"]
    for role, key in (
        ("floor", ["at", "which", "metric", "step"]),
        ("ceiling", ["at", "which", "metric", "step"]),
        ("seconds", ["at", "step"]),
    ):
        beside = rows.loc[rows["role"] == role, [*key, "value"]].rename(columns={"value": role})
        found = found.merge(beside, on=key, how="left")
    alone = found["at"].map(found["at"].value_counts()) == 1
    found = found[(found["metric"] != "") | alone]
    found["metric"] = found["metric"].cat.remove_unused_categories()
    return found.drop(columns=["name", "role"]).reset_index(drop=True)


def parse_metric_name(name: str) -> tuple[int, str, str]:
    """Of a name: 0 full, 1 quick, 2 of training, 3 an event; whether value, floor, ceiling or seconds; the metric."""
    kind, _, rest = name.partition("/")
    if kind == "train":
        return 2, "seconds" if rest == "seconds" else "value", rest
    if kind == "event":
        return 3, "value", rest
    metric = name.removeprefix("quick/")
    bound, _, bounded = metric.partition("/")
    if bound in ("floor", "ceiling"):
        return int(kind == "quick"), bound, bounded
    return int(kind == "quick"), "value", metric
