"""The tidy table: one row per number, built from tracked runs. All reports and comparisons are functions of it.

Columns: `run, group, dataset, protocol, arch, loss, options, seed, step, critic_steps, generator_steps, images,
critic_evaluations, metric, value, floor, ceiling, direction, status, commit, device, seconds`. The five from `step` on
and `seconds` are the cost of training up to that point (see `ganbench.spec.budget`). A run without numbers yet keeps
one row with an empty metric, so that it is never missing from a count. `direction` says what is better: `lower`,
`higher`, or `real`, nearer to real data.

`protocol` is the protocol's name and version for scores from its full number of samples, the same followed by `/quick`
for the smaller scores during training, `train` for statistics of training itself, and `events` for the findings of the
collapse detector, whose metric is the kind of event and whose value is its severity. Text columns are categorical,
since a million rows hold few distinct words; the exception is `run`, the key for joins.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganbench.core.component_index import directions
from ganbench.tracking import COST_TAG, RunRecord

COSTS = ("critic_steps", "generator_steps", "images", "critic_evaluations")
KEYS = ["run", "group", "dataset", "protocol", "arch", "loss", "options", "seed", "step", *COSTS]
COLUMNS = [*KEYS, "metric", "value", "floor", "ceiling", "direction", "status", "commit", "device", "seconds"]
HEAD = ("run", "group", "dataset", "arch", "loss", "options", "seed", "status", "commit", "device")
"""Columns that describe a run."""
NUMBERS = {
    **dict.fromkeys(("seed", "step", *COSTS), "int64"),
    **dict.fromkeys(("value", "floor", "ceiling", "seconds"), "float64"),
}
"""Types of the numeric columns."""
WORD_COLUMNS = [column for column in COLUMNS if column not in NUMBERS]
FEW = [column for column in WORD_COLUMNS if column != "run"]
"""Text columns with few distinct values."""
NAMED = ("loss", "arch", "dataset", "protocol")
QUICK = "/quick"
SCORES = 2
"""Kinds of numbers below this, in `parse_metric_name`, are scores: full and quick ones."""
TRAIN = "train"
EVENTS = "events"
NONE = float("nan")
NOTHING = "train/"
"""The name of a placeholder number without a metric; it gives a run without other numbers its row."""


def tidy(records: Sequence[RunRecord]) -> pd.DataFrame:
    """Build the tidy table of some runs."""
    # Values shared by all rows of a run are computed once and repeated.
    heads = pd.DataFrame([_head(record) for record in records], columns=[*HEAD, *COSTS])
    heads = heads.astype(dict.fromkeys(set(HEAD) & set(FEW), "category"))
    numbers = _numbers([_tracked(record) for record in records])
    run, which = (numbers.pop(column).to_numpy(dtype=np.int64) for column in ("at", "which"))
    own = [record.tags.get("protocol", record.params.get("protocol", "")) for record in records]
    protocols = np.array([[name, name + QUICK, TRAIN, EVENTS] for name in own], dtype=object).reshape(-1, 4)
    table = heads.take(run).reset_index(drop=True).assign(**numbers, protocol=protocols[run, which])
    for cost in COSTS:
        table[cost] *= table["step"]
    table["direction"] = _directions(records, run, table["metric"], scored=which < SCORES)
    return typed(table[COLUMNS])


def own_directions(table: pd.DataFrame) -> pd.Series:
    """The direction of each row's metric, for metrics of ours: older tables don't have the column."""
    scored = ~table["protocol"].isin((TRAIN, EVENTS))
    return table["metric"].astype(object).map(directions()).where(scored, "").fillna("")


def _directions(
    records: Sequence[RunRecord], run: NDArray[np.int64], metric: pd.Series, *, scored: NDArray[np.bool_]
) -> NDArray[np.object_]:
    """The direction of each row's metric, as tracked with its run; "" for numbers that are no metric."""
    tags = [record.tags.get("directions", "") for record in records]
    codes, names = metric.cat.codes.to_numpy(), metric.cat.categories
    found = np.full(len(metric), "", dtype=object)
    for tag in set(tags):
        known = dict(part.split("=") for part in tag.split(",")) if tag else directions()
        own = np.array([known.get(name, "") for name in names], dtype=object)
        rows = np.array([each == tag for each in tags])[run] & scored
        found[rows] = own[codes[rows]]
    return found


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """Convert each column to its type.

    Raises:
        ValueError, TypeError: a value can't be converted.
    """
    return table.astype(NUMBERS | dict.fromkeys(FEW, "category"))


def _head(record: RunRecord) -> tuple[object, ...]:
    """The values that all rows of a run share, and the costs of a step."""
    params, tags = record.params, record.tags
    options = "; ".join(f"{key}={params[key]}" for key in sorted(params) if key not in (*NAMED, "seed"))
    named = (params.get(name, "") for name in ("dataset", "arch", "loss"))
    surroundings = (record.status, tags.get("commit", ""), tags.get("device", ""))
    costs = (int(tags.get(f"{COST_TAG}{name}", 0)) for name in COSTS)
    return (record.id, record.group, *named, options, record.seed, *surroundings, *costs)


def _tracked(record: RunRecord) -> list[tuple[str, int, float]]:
    """Names, steps and values of a run's numbers, including the step at which it was given up, and `NOTHING`."""
    rows = [*record.history]
    if record.status in ("collapsed", "diverged", "stopped"):
        ended = int(record.tags.get("ended-at", 0))
        rows.append(("train/ended_at", ended, float(ended)))
    return [*rows, (NOTHING, 0, NONE)]


def _numbers(runs: Sequence[Sequence[tuple[str, int, float]]]) -> pd.DataFrame:
    """The values of runs, with their bounds and times.

    `at` is the position of the run, `which` the kind of number as returned by `parse_metric_name`.
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
    """Split a tracked name into kind, role and metric.

    The kind is 0 for full scores, 1 for quick ones, 2 for training statistics and 3 for events; the role is `value`,
    `floor`, `ceiling` or `seconds`.
    """
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
