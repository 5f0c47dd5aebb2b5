"""A run of the tidy table as the record that was tracked, as far as the table has it: the inverse of `tidy`."""

from __future__ import annotations

import math
import re
from typing import cast

import pandas as pd

from ganbench.results.table import ENDED_AT, NAMED, NOTHING
from ganbench.tracking import RunRecord, Status
from ganbench.tracking.ensemble_seeds import SEEDS_TAG
from ganbench.tracking.metric_names import BESIDE, MetricName

_OPTIONS = re.compile(r"; (?=[\w.]+=)")
"""The separator of options, rather than a semicolon within a value."""
_LABEL = re.compile(r"(.+) v\d+(?: at N=[\d,]+)?")
"""A protocol's name and version, as `ganbench.evaluation.protocols` writes them."""


def run_record(table: pd.DataFrame, run: str) -> RunRecord:
    """Return a run of a tidy table as a record.

    Its tags are those that the table has: commit, device, torch and protocol, as far as they are known, and the seeds
    of its ensemble. Tables of earlier versions don't have these; they are taken to be all seeds of its group, which
    train together by default. The time of training is no number of the record.
    """
    rows = table[table["run"] == run]
    head = {name: str(rows[name].iloc[0]) for name in ("group", "status", "options", *NAMED)}
    named = {name: head[name] for name in NAMED}
    label = _LABEL.fullmatch(head["protocol"])
    options = (part.partition("=") for part in _OPTIONS.split(head["options"]) if part)
    tags = {name: str(rows[name].iloc[0]) for name in ("commit", "device", "torch", "protocol")}
    of_group = sorted(set(table.loc[table["group"] == head["group"], "seed"]))
    tags[SEEDS_TAG] = str(rows["ensemble"].iloc[0]) or ",".join(map(str, of_group))
    return RunRecord(
        id=run,
        group=head["group"],
        seed=int(rows["seed"].iloc[0]),
        status=cast(Status, head["status"]),
        params={
            **named,
            "protocol": label[1] if label else head["protocol"],
            **{name: value for name, _, value in options},
        },
        tags={name: text for name, text in tags.items() if text},
        history=_history(rows),
    )


def _history(rows: pd.DataFrame) -> list[tuple[str, int, float]]:
    """The numbers of a run, with what stands beside them, by tracked name."""
    history = []
    numbers = rows[~rows["metric"].isin((NOTHING.metric, ENDED_AT.metric))].sort_values("step", kind="stable")
    columns = ("kind", "metric", "step", "value", *BESIDE)
    for kind, metric, step, value, *beside in zip(*(numbers[column] for column in columns), strict=True):
        history.append((str(MetricName(kind, metric)), int(step), float(value)))
        history += [
            (str(MetricName(kind, metric, role)), int(step), float(number))
            for role, number in zip(BESIDE, beside, strict=True)
            if not math.isnan(number)
        ]
    return history
