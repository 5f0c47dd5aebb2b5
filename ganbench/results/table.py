"""The tidy table: one row per number, built from tracked runs. All reports and comparisons are functions of it.

Columns: `run, group, dataset, protocol, headline, mode_count, arch, loss, options, seed, step, critic_steps,
generator_steps, images, critic_evaluations, kind, selection, metric, value, floor, floor_sd, ceiling, direction, label,
scale, status, commit, device, name, dose, factors, primary, collapsed, tuned, torch, ensemble,
resumed_with, mode_word, seconds`. The five from
`step` on and `seconds` are the cost of training up to that point (see `ganbench.spec.budget`). A run without numbers
yet keeps one row with an empty metric, so that it is never missing from a count.

- `protocol` is the protocol's name and version, `headline` its most important metrics, separated by commas, and
  `mode_count` the metric that counts modes, if there is one.
- `kind` is one of `ganbench.tracking.metric_names.KINDS`; `selection` is the policy by which a run's final scores were
  selected, and `last` means the scores at its end.
- `floor` is the score of real samples, `floor_sd` its standard deviation among several sets of them, and `ceiling` the
  best possible score.
- `name`, `dose`, `factors`, `primary`, `collapsed` and `tuned` are those of `ganbench.core.annotation.Annotation` as
  text, and empty for a run without them. A dose is written as in `updates=5; learning rate=0.1`, factors as in
  `R1; R2`; metrics are separated by commas.
- `torch` is the version that trained the run, and `ensemble` the seeds that trained together, as in `0,1,2`.
- `resumed_with` says what had changed when a run was resumed in another environment, as in `threads 4 → 2`; else it is
  empty.
- `mode_word` is the plural noun for the modes of the data set if they are clusters; else it is empty.
- `direction`, `label` and `scale` are those of `ganbench.tracking.metric_facts.MetricFacts`.

Text columns are categorical, since a million rows hold few distinct words; the exception is `run`, the key for joins.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganbench.core.annotation import Annotation, dose_text
from ganbench.results.categories import categorical
from ganbench.results.earlier import earlier_metrics, fill_facts_of_runs
from ganbench.tracking import COST_TAG, RESUMED_WITH, RunRecord
from ganbench.tracking.annotations import ANNOTATION_TAGS, DOSE_TAG, annotation_from_tags, annotation_tags
from ganbench.tracking.base import MODE_WORD_TAG
from ganbench.tracking.ensemble_seeds import ensemble_text
from ganbench.tracking.metric_facts import METRIC_TAGS, MetricFacts, RunMetrics, metrics_from_tags
from ganbench.tracking.metric_names import BESIDE, KINDS, SCORES, SECONDS, MetricName, parse_metric_name
from ganbench.tracking.tag_values import number_in

COSTS = ("critic_steps", "generator_steps", "images", "critic_evaluations")
REPRODUCTION = ("torch", "ensemble")
"""Columns that it takes to train a run again, beside its options; earlier versions wrote none."""
RESUMED, MODE_WORD = "resumed_with", "mode_word"
HEAD = (
    *("run", "group", "dataset", "protocol", "headline", "mode_count", "arch", "loss", "options", "seed"),
    *("status", "commit", "device"),
    *ANNOTATION_TAGS,
    *REPRODUCTION,
    RESUMED,
    MODE_WORD,
)
"""Columns that describe a run: they have the same value in all of its rows."""
OF_A_RUN = HEAD[1:]
FACTS = ("direction", "label", "scale")
"""Columns that describe a metric."""
COLUMNS = [
    *HEAD[:10],
    *("step", *COSTS),
    *("kind", "selection", "metric", "value", *BESIDE, *FACTS),
    *HEAD[10:],
    "seconds",
]
NUMBERS = {
    **dict.fromkeys(("seed", "step", *COSTS), "int64"),
    **dict.fromkeys(("value", *BESIDE, "seconds"), "float64"),
}
"""Types of the numeric columns."""
WORD_COLUMNS = [column for column in COLUMNS if column not in NUMBERS]
FEW = [column for column in WORD_COLUMNS if column != "run"]
"""Text columns with few distinct values."""
NAMED = ("loss", "arch", "dataset", "protocol")
LAST = "last"
"""The selection of the scores at the end of training."""
NONE = float("nan")
NOTHING = MetricName("train", "")
"""The name of a placeholder number without a metric; it gives a run without other numbers its row."""
ENDED_AT = MetricName("train", "ended_at")
"""The step at which a run ended without finishing."""


def tidy(records: Sequence[RunRecord]) -> pd.DataFrame:
    """Build the tidy table of some runs."""
    metrics = _metrics_of(records)
    # Values shared by all rows of a run are computed once and repeated.
    heads = pd.DataFrame(
        [_head(record, described) for record, described in zip(records, metrics, strict=True)],
        columns=[*HEAD, *COSTS],
    )
    heads = heads.astype(dict.fromkeys(set(HEAD) & set(FEW), "category"))
    numbers = _numbers([_tracked(record) for record in records])
    run = numbers.pop("at").to_numpy(dtype=np.int64)
    table = heads.take(run).reset_index(drop=True).assign(**numbers)
    for cost in COSTS:
        table[cost] *= table["step"]
    table["selection"] = np.where(table["kind"] == "final", LAST, "")
    for column, values in _facts(numbers, run, metrics).items():
        table[column] = values
    return typed(fill_facts_of_runs(table)[COLUMNS])


def _metrics_of(records: Sequence[RunRecord]) -> list[RunMetrics]:
    """The metrics of each run as tracked, one object for equal ones."""
    known: dict[tuple[str, ...], RunMetrics] = {}
    metrics = []
    for record in records:
        key = tuple(record.tags.get(name, "") for name in METRIC_TAGS)
        if key not in known:
            known[key] = metrics_from_tags(record.tags)
        metrics.append(known[key])
    return metrics


def _facts(numbers: pd.DataFrame, run: NDArray[np.int64], metrics: Sequence[RunMetrics]) -> dict[str, pd.Categorical]:
    """The columns `FACTS` of each row, as tracked with its run; "" for numbers that are no scores."""
    # Codes are of the narrowest type, which has no room for the sum below.
    metric_codes, names = numbers["metric"].cat.codes.to_numpy(dtype=np.int64), numbers["metric"].cat.categories
    scored = numbers["kind"].isin(SCORES).to_numpy()
    distinct = {id(run_metrics): run_metrics for run_metrics in metrics}
    of_run = np.array([id(run_metrics) for run_metrics in metrics])
    known: list[MetricFacts] = [UNKNOWN]
    codes = np.zeros(len(numbers), dtype=np.int64)
    for key, run_metrics in distinct.items():
        earlier = {} if run_metrics.described else earlier_metrics().facts
        facts = {**run_metrics.facts, **earlier, **run_metrics.extra}
        rows = scored if len(distinct) == 1 else (of_run == key)[run] & scored
        codes[rows] = len(known) + metric_codes[rows]
        known += [facts.get(name, UNKNOWN) for name in names]
    return {column: categorical(codes, [getattr(facts, column) for facts in known]) for column in FACTS}


UNKNOWN = MetricFacts("", "", "")
"""Facts about a number that isn't the score of a known metric."""


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """Convert each column to its type.

    Raises:
        ValueError, TypeError: a value can't be converted.
    """
    return table.astype(NUMBERS | dict.fromkeys(FEW, "category"))


def _head(record: RunRecord, metrics: RunMetrics) -> tuple[object, ...]:
    """The values that all rows of a run share, and the costs of a step."""
    params, tags = record.params, record.tags
    options = "; ".join(f"{key}={params[key]}" for key in sorted(params) if key not in (*NAMED, "seed"))
    values: dict[str, object] = {
        "run": record.id,
        "group": record.group,
        "dataset": params.get("dataset", ""),
        "protocol": tags.get("protocol", params.get("protocol", "")),
        "headline": ",".join(metrics.headline),
        "mode_count": metrics.mode_count,
        "arch": params.get("arch", ""),
        "loss": params.get("loss", ""),
        "options": options,
        "seed": record.seed,
        "status": record.status,
        "commit": tags.get("commit", ""),
        "device": tags.get("device", ""),
        **annotation_texts(annotation_from_tags(tags)),
        "torch": tags.get("torch", ""),
        "ensemble": ensemble_text(tags),
        RESUMED: tags.get(RESUMED_WITH, ""),
        MODE_WORD: tags.get(MODE_WORD_TAG, ""),
    }
    costs = (number_in(tags, f"{COST_TAG}{name}", "0") for name in COSTS)
    return (*(values[name] for name in HEAD), *costs)


def annotation_texts(annotation: Annotation) -> dict[str, str]:
    """The values of the columns of an annotation."""
    return annotation_tags(annotation) | {DOSE_TAG: dose_text(annotation.dose)}


def _tracked(record: RunRecord) -> list[tuple[str, int, float]]:
    """Names, steps and values of a run's numbers, including the step at which it was given up, and `NOTHING`."""
    rows = [*record.history]
    if record.status in ("collapsed", "diverged", "stopped"):
        ended = number_in(record.tags, "ended-at", "0")
        rows.append((str(ENDED_AT), ended, float(ended)))
    return [*rows, (str(NOTHING), 0, NONE)]


def _numbers(runs: Sequence[Sequence[tuple[str, int, float]]]) -> pd.DataFrame:
    """The values of runs, with their bounds and times; `at` is the position of the run."""
    names, steps, values = ([row[column] for rows in runs for row in rows] for column in range(3))
    at = np.repeat(np.arange(len(runs)), [len(rows) for rows in runs])
    codes, distinct = pd.factorize(np.array(names, dtype=object))
    # An earlier spelling and today's are one name.
    parsed_names = [parse_metric_name(name) for name in distinct]
    canonical = list(dict.fromkeys(parsed_names))
    codes = np.array([canonical.index(name) for name in parsed_names], dtype=np.int64)[codes]
    parsed = pd.DataFrame(canonical, columns=["kind", "metric", "role"])
    parsed = parsed.astype({"kind": pd.CategoricalDtype(sorted(["", *KINDS])), "metric": "category"})
    rows = pd.DataFrame({"at": at, "name": codes, "step": steps, "value": values}).join(parsed, on="name")
    rows = rows.drop_duplicates(["at", "name", "step"], keep="last")  # of a number that was tracked twice, the last one
    times = (rows["kind"] == "train") & (rows["metric"] == SECONDS)
    numbers = rows[(rows["role"] == "value") & ~times]
    for column, chosen, key in (
        *((role, rows["role"] == role, ["at", "kind", "metric", "step"]) for role in BESIDE),
        ("seconds", times, ["at", "step"]),
    ):
        beside = rows.loc[chosen, [*key, "value"]].rename(columns={"value": column})
        numbers = numbers.merge(beside, on=key, how="left")
    alone = numbers["at"].map(numbers["at"].value_counts()) == 1
    numbers = numbers[(numbers["metric"] != NOTHING.metric) | alone]
    numbers.loc[numbers["metric"] == NOTHING.metric, "kind"] = ""
    for column in ("kind", "metric"):
        numbers[column] = numbers[column].cat.remove_unused_categories()
    return numbers.drop(columns=["name", "role"]).reset_index(drop=True)
