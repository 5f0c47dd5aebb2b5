"""Results: a tidy table read from a store, with its sample grids."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import pandas as pd

from ganbench.core.errors import GanbenchError
from ganbench.results.earlier import earlier_metrics
from ganbench.results.table import LAST, tidy
from ganbench.results.verdict_words import names_for_words
from ganbench.results.views import final_scores, headline
from ganbench.tracking.metric_facts import metrics_from_tags
from ganbench.tracking.metric_names import SAMPLE_COUNT, SECONDS, MetricName, names_of_scores
from ganbench.tracking.mlflow.reading import read_images, read_runs
from ganbench.tracking.mlflow.sql import Needed
from ganbench.tracking.store import Store

Pictures = Mapping[str, Mapping[int, bytes]]
"""Sample grids by run id and step, as PNG or WebP."""


@dataclass(frozen=True)
class Results:
    """A tidy table and a source of sample grids.

    Attributes:
        pictures: called with run ids and a maximum, returns at most that many grids of each run, evenly spread over its
            steps.
        pictured: the runs with sample grids, where only some have any; empty if that isn't known.
    """

    table: pd.DataFrame
    pictures: Callable[[Collection[str], int], Pictures] = lambda runs, most: {}
    pictured: Collection[str] = ()


def load_results(
    store: Store, experiment: str, *, history: bool = False, metrics: Collection[str] | None = None
) -> Results:
    """Read an experiment: the last value of each metric or, with `history`, the values at every step.

    Args:
        metrics: the metrics needed; others may be left out, which saves time.

    Raises:
        GanbenchError: there is no such store or experiment, or it has no runs.
    """
    needed = None if metrics is None else lambda tags: _names({*metrics, *_mode_counts(tags)})
    return _load(store, experiment, history, needed)


def load_headline(store: Store, experiment: str) -> Results:
    """Read the last values of the headline metrics of an experiment's runs; others may be left out."""
    results = _load(store, experiment, False, lambda tags: _names(_headlines(tags)))
    # Runs of an earlier version don't say what their headline is: it may be other metrics.
    return results if headline(final_scores(results.table)) else load_results(store, experiment)


def load_for_comparison(store: Store, experiment: str, *, metrics: Collection[str] | None, policy: str) -> Results:
    """Read what it takes to compare runs by some metrics, or by their headline, under a policy of selection."""
    if policy != LAST:
        return load_results(store, experiment, history=True)
    if metrics is None:
        return load_headline(store, experiment)
    results = load_results(store, experiment, metrics=metrics)
    if set(metrics) <= set(results.table["metric"]):
        return results
    return load_results(store, experiment)  # an unknown metric: the names of all are needed for a hint


def _load(store: Store, experiment: str, history: bool, needed: Needed | None) -> Results:
    records = read_runs(store, experiment, history=history, needed=needed)
    if not records:
        raise GanbenchError(
            f"there are no runs yet in the experiment '{experiment}' of {store.label}: start with `ganbench run`, or "
            f"restore in MLflow what was deleted there"
        )
    return Results(tidy(records), partial(read_images, store, experiment, "samples"))


def load_pair(store: Store, first: str, second: str) -> pd.DataFrame:
    """Read two runs with their history, from any experiments, by id or unique prefix.

    Raises:
        GanbenchError: one of them doesn't exist, or its prefix is ambiguous.
    """
    from ganbench.tracking.mlflow.client import find_run  # MLflow takes a second to import

    records = [find_run(store, run)[1] for run in (first, second)]
    return tidy(records)


def _headlines(tags: Iterable[Mapping[str, str]]) -> set[str]:
    """The headline metrics of runs, and their mode counts."""
    names: set[str] = set()
    for run_tags in tags:
        metrics = metrics_from_tags(run_tags)
        names |= {*(metrics.headline or earlier_metrics().headline), metrics.mode_count} - {""}
    return names


def _mode_counts(tags: Iterable[Mapping[str, str]]) -> set[str]:
    """The metrics of runs that count modes: their ceiling is the number of modes, which words of verdicts depend on."""
    return {metrics_from_tags(run_tags).mode_count for run_tags in tags} - {""}


def _names(metrics: Collection[str]) -> set[str]:
    """The tracked names of metrics, of the number of samples, of what verdicts depend on, and of training time."""
    return names_of_scores([*metrics, SAMPLE_COUNT]) | names_for_words() | {str(MetricName("train", SECONDS))}
