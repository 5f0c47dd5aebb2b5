"""The tidy table: one row a number, from MLflow or from a CSV file. Everything after it is a function of it.

Columns: `run, group, dataset, protocol, arch, loss, options, seed, step, critic_steps, generator_steps, images,
critic_evaluations, metric, value, floor, ceiling, status, commit, device, seconds`; the five from `step` on and
`seconds` are what training had cost by then (see `ganbench.budget`). A run without numbers yet keeps one row with an
empty metric, so that it is never lost from a count. `protocol` is the protocol's name and version where its full number
of samples was scored, the same and `/quick` for the smaller scores on the way, `train` for statistics of the training
itself, and `events` for what the collapse detector found: there the metric is the kind of event and the value its
severity.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from ganbench.errors import GanbenchError
from ganbench.registry import near_miss
from ganbench.track import COST_TAG, RunRecord
from ganbench.track.store import Store

COSTS = ("critic_steps", "generator_steps", "images", "critic_evaluations")
KEYS = ["run", "group", "dataset", "protocol", "arch", "loss", "options", "seed", "step", *COSTS]
COLUMNS = [*KEYS, "metric", "value", "floor", "ceiling", "status", "commit", "device", "seconds"]
TYPES = {
    "seed": "int64",
    "step": "int64",
    **dict.fromkeys(COSTS, "int64"),
    "value": "float64",
    "floor": "float64",
    "ceiling": "float64",
}
TEXT = dict.fromkeys(("run", "group", "metric", "options", "commit"), str)
"""Columns of a CSV file whose words may look like numbers."""
WORDS = ("loss", "arch", "dataset", "seed", "status", "run", "group", "commit", "device")
"""Columns by which runs can be chosen."""
STATUSES = ("finished", "collapsed", "diverged", "stopped", "running")

ONCE = ("options", "group", "commit", "device")
"""Columns that a CSV file has in the first row of a run only: they are long, and the same in all of its rows."""
HEAD = ("run", "group", "dataset", "arch", "loss", "options", "seed", "status", "commit", "device")
"""Columns of a run."""
NUMBER = ("protocol", "step", "metric", "value", "floor", "ceiling", "seconds")
"""Columns of one of its numbers; what it had cost by then is the step's number times what a step costs."""
OF_A_RUN = HEAD[1:]
"""Columns that are the same in all rows of a run."""
BUDGETS = ("images", "step", "critic_steps", "generator_steps", "critic_evaluations", "seconds")
"""What a comparison can be made against."""
NONE = float("nan")
QUICK = "/quick"
TRAIN = "train"
EVENTS = "events"
SCORED = ("finished", "collapsed")
"""How a run ended that has full scores: at its end, or when it was given up."""
NAMED = ("loss", "arch", "dataset", "protocol")


Pictures = Mapping[str, Mapping[int, bytes]]
"""Sample grids by run id and step, as PNG or WebP."""


@dataclass(frozen=True)
class Results:
    """A tidy table, and where sample grids come from.

    Attributes:
        pictures: gives, for some runs, at most so many grids of each, evenly over its steps.
    """

    table: pd.DataFrame
    pictures: Callable[[Collection[str], int], Pictures] = lambda runs, most: {}


def load_results(
    store: Store, experiment: str, *, history: bool = False, metrics: Collection[str] | None = None
) -> Results:
    """Read an experiment: the last value of each metric or, with `history`, every step's.

    Args:
        metrics: those that matter; others may be left out, which saves time.
    """
    from ganbench.track.mlflow.reading import read_images, read_runs  # slow to import, and not needed for a CSV file

    wanted = None if metrics is None else _tracked_names([*metrics, "sample-count"])
    records = read_runs(store, experiment, history=history, metrics=wanted)
    return Results(tidy(records), partial(read_images, store, experiment, "samples"))


def load_pair(store: Store, first: str, second: str) -> pd.DataFrame:
    """Two runs with their history, of whatever experiments, by their ids or how these begin.

    Raises:
        GanbenchError: one isn't there.
    """
    from ganbench.track.mlflow.reading import find_run

    records = [find_run(store, run)[1] for run in (first, second)]
    return tidy(records)


def _tracked_names(metrics: Collection[str]) -> set[str]:
    """By what names a metric, its bounds, its scores on the way, and the time of training are tracked."""
    kinds = [f"{when}{bound}" for when in ("", "quick/") for bound in ("", "floor/", "ceiling/")]
    return {f"{kind}{metric}" for kind in kinds for metric in metrics} | {"train/seconds"}


def read_csv(path: Path) -> Results:
    """Read a tidy table that `write_csv` wrote.

    Raises:
        GanbenchError: it can't be read, or isn't such a table.
    """
    try:
        table = pd.read_csv(path, dtype=TEXT)
    except (OSError, ValueError) as error:  # a malformed CSV raises a subclass of ValueError
        raise GanbenchError(f"results '{path}' can't be read: {error}") from error
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        raise GanbenchError(
            f"results '{path}' lack the columns {', '.join(missing)}: write them with `ganbench report`"
        )
    text = [column for column in COLUMNS if column not in TYPES and column != "seconds"]
    table[text] = table[text].fillna("")
    for column in ONCE:
        known = table.groupby("run")[column].transform(
            "max"
        )  # in whatever order the rows are: "" is less than any word
        table[column] = table[column].mask(table[column] == "", known)
    headless = table[(table["run"] != "") & (table["group"] == "")]
    if not headless.empty:
        raise GanbenchError(
            f"results '{path}', line {headless.index[0] + 2}: of the run '{headless['run'].iloc[0]}' the row is "
            f"missing that says {', '.join(ONCE)}"
        )
    try:
        table = _typed(table[COLUMNS])
    except (ValueError, TypeError) as error:
        raise GanbenchError(f"results '{path}' hold a value of the wrong type: {error}") from error
    strange = sorted(set(table["status"]) - set(STATUSES))
    if strange:
        raise GanbenchError(f"results '{path}' have the unknown status '{strange[0]}'")
    nameless = table[(table["run"] == "") | ((table["metric"] != "") & (table["protocol"] == ""))]
    if not nameless.empty:
        # The first row is line 2 of the file.
        raise GanbenchError(f"results '{path}', line {nameless.index[0] + 2}: a number without its run or its protocol")
    each = table[["run", *OF_A_RUN]].drop_duplicates()
    torn = each[each["run"].duplicated()]
    if not torn.empty:
        raise GanbenchError(
            f"results '{path}', line {torn.index[0] + 2}: the run '{torn['run'].iloc[0]}' is another one than above "
            f"({', '.join(OF_A_RUN)} must be the same in all of its rows)"
        )
    return Results(table)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a tidy table; every float keeps all its digits, and the columns of `ONCE` stand in a run's first row."""
    again = table["run"].duplicated()
    once = {column: table[column].mask(again, "") for column in ONCE}
    table.assign(**once).to_csv(path, index=False, lineterminator="\n")


def final_scores(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of full scores, made with the protocol's full number of samples at the end of a run."""
    return table[
        ~table["protocol"].str.endswith(QUICK) & ~table["protocol"].isin((TRAIN, EVENTS)) & (table["metric"] != "")
    ]


def meeting(table: pd.DataFrame, conditions: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """The rows of runs that meet all conditions: a column, or an option of the spec, is one of some words.

    Raises:
        GanbenchError: no run has such an option, or none meets them.
    """
    for option, words in conditions.items():
        if option in WORDS:
            own = table[option].astype(str)
        else:
            own = table["options"].str.extract(rf"(?:^|; ){re.escape(option)}=([^;]*)(?:; |$)", expand=False)
            if own.isna().all():
                known = {part.partition("=")[0] for text in table["options"].unique() for part in text.split("; ")}
                raise GanbenchError(f"--where: no run has an option '{option}': {near_miss(option, {*known, *WORDS})}")
        kept = table[own.isin(words)]
        if kept.empty:
            there = ", ".join(sorted(own.dropna().unique())[:12])
            raise GanbenchError(f"--where: no run has {option} = {' or '.join(words)}; there is {there}")
        table = kept
    return table


def quick_scores(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the smaller scores that were made on the way."""
    return table[table["protocol"].str.endswith(QUICK)]


def runs(table: pd.DataFrame) -> pd.DataFrame:
    """One row a run, without its metrics: how far it came, how long it trained, and how it ended."""
    codes, _ = pd.factorize(table["run"])
    order = np.lexsort((table["step"].to_numpy(), codes))  # stable: of rows at the last step, the last
    ends = np.flatnonzero(np.diff(codes[order], append=len(codes)))
    last = table.iloc[order[ends]].drop(columns=["metric", "value", "floor", "ceiling"])
    # Not every row knows the time.
    seconds = table["seconds"].groupby(codes).max().to_numpy()
    return last.assign(seconds=seconds).reset_index(drop=True)


def tidy(records: Sequence[RunRecord]) -> pd.DataFrame:
    """The tidy table of some runs."""
    numbers = [_numbers(record) for record in records]
    # What all rows of a run share is written once and repeated: there may be a million rows.
    heads = pd.DataFrame([_head(record) for record in records], columns=[*HEAD, *COSTS])
    table = heads.take(np.repeat(np.arange(len(records)), [len(each) for each in numbers])).reset_index(drop=True)
    columns = zip(*(row for each in numbers for row in each), strict=True) if records else [()] * len(NUMBER)
    table = table.assign(**{name: list(values) for name, values in zip(NUMBER, columns, strict=True)})
    for cost in COSTS:
        table[cost] *= table["step"]
    return _typed(table[COLUMNS])


def _head(record: RunRecord) -> tuple[object, ...]:
    """What all rows of a run share, and what a step costs."""
    params, tags = record.params, record.tags
    options = "; ".join(f"{key}={params[key]}" for key in sorted(params) if key not in (*NAMED, "seed"))
    named = (params.get(name, "") for name in ("dataset", "arch", "loss"))
    surroundings = (record.status, tags.get("commit", ""), tags.get("device", ""))
    costs = (int(tags.get(f"{COST_TAG}{name}", 0)) for name in COSTS)
    return (record.id, record.group, *named, options, record.seed, *surroundings, *costs)


def _numbers(record: RunRecord) -> list[tuple[object, ...]]:
    """Protocol, step, metric, value, floor, ceiling and seconds of each number."""
    tags = record.tags
    protocol = tags.get("protocol", record.params.get("protocol", ""))
    values = {(name, step): value for name, step, value in record.history}
    seconds = {step: value for (name, step), value in values.items() if name == "train/seconds"}
    rows: list[tuple[object, ...]] = []
    for (name, step), value in values.items():
        which, metric = _place(name, protocol)
        if metric is not None:
            # What stands before the metric's own name: nothing, or `quick/`.
            before = name.removesuffix(metric)
            floor, ceiling = (values.get((f"{before}{bound}/{metric}", step), NONE) for bound in ("floor", "ceiling"))
            rows.append((which, step, metric, value, floor, ceiling, seconds.get(step, NONE)))
    if record.status in ("collapsed", "diverged", "stopped"):
        ended = int(tags.get("ended-at", 0))
        rows.append((TRAIN, ended, "ended-at", ended, NONE, NONE, seconds.get(ended, NONE)))
    return rows or [(TRAIN, 0, "", NONE, NONE, NONE, seconds.get(0, NONE))]


def _place(name: str, protocol: str) -> tuple[str, str | None]:
    """Protocol and metric of a tracked name; a metric of None is a bound or a time, which has a column of its own."""
    kind, _, rest = name.partition("/")
    if kind == "train":
        return TRAIN, None if rest == "seconds" else rest
    if kind == "event":
        return EVENTS, rest
    metric = name.removeprefix("quick/")
    return protocol + QUICK * (kind == "quick"), None if metric.startswith(("floor/", "ceiling/")) else metric


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    return table.astype(TYPES | {"seconds": "float64"})


def headline_modes(scores: pd.DataFrame) -> str:
    """The count of modes to show: the strict one, which a published protocol doesn't have."""
    return "modes-strict" if (scores["metric"] == "modes-strict").any() else "modes"


def mode_shares(scores: pd.DataFrame, kind: str = "mode") -> dict[str, float]:
    """Modes and their shares in the rows of one run at one step; kind "mode" for all samples, "good" for good ones."""
    rows = scores[scores["metric"].str.startswith(f"{kind}/")]
    shares = dict(zip(rows["metric"].str.removeprefix(f"{kind}/"), rows["value"], strict=True))
    return {name: shares[name] for name in sorted(shares, key=by_number)}


def by_number(mode: str) -> tuple[int, str]:
    """A key to sort modes by: numbers as numbers, other names as they stand."""
    return (len(mode), mode) if mode.isdecimal() else (0, "")


def varying_options(options: Sequence[str]) -> list[str]:
    """What is left of option strings when the options that all of them share are taken away."""
    parts = [text.split("; ") if text else [] for text in options]
    common = set(parts[0]).intersection(*parts[1:]) if parts else set()
    return ["; ".join(part for part in each if part not in common) for each in parts]
