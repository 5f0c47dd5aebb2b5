"""Parent runs of groups: the summary of their seeds, and their data set as an input."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Run, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT, MLFLOW_RUN_NOTE

from ganbench.tracking.base import DONE, VERDICT_TAG, VERDICT_TEXT_TAG
from ganbench.tracking.group_summary import SeedResult, counted_words, description, medians
from ganbench.tracking.metric_facts import RunMetrics, metrics_from_tags
from ganbench.tracking.metric_names import MetricName, parse_metric_name
from ganbench.tracking.mlflow.names import ENDED_AT, OUR_NOTE, SEED, STATUS
from ganbench.tracking.mlflow.records import TAG_PREFIX, our_tags
from ganbench.tracking.tag_values import number_in, status_in

MAX_METRICS_A_BATCH = 1000


def summarize(client: MlflowClient, parent: Run, runs: Sequence[Run]) -> None:
    """Log the medians over seeds and the verdicts on them, once all seeds that were begun have ended.

    Args:
        runs: of the seeds.

    Raises:
        TagError: a tag can't be read.
    """
    metrics = metrics_from_tags(our_tags(parent.data.tags))
    if not all(status_in(run.data.tags, STATUS) in DONE for run in runs):
        return
    seeds = [_result(client, run, metrics) for run in runs]
    tags = {f"{TAG_PREFIX}{VERDICT_TAG}": counted_words(seeds)}
    tags |= note_tags(parent.data.tags, description(seeds))
    known = {
        (name, step): value
        for name in parent.data.metrics
        for step, value in _curve(client, parent.info.run_id, name).items()
    }
    # As late as the last seed: where more seeds give other medians, the later ones count.
    end = max((run.info.end_time or 0 for run in runs), default=0)
    rows = [
        Metric(name, value, end, step)
        for name, step, value in medians(seeds, metrics)
        if repr(known.get((name, step))) != repr(value)  # as text, since NaN doesn't equal NaN
    ]
    changed = [RunTag(name, text) for name, text in tags.items() if parent.data.tags.get(name, "") != text]
    if rows or changed:
        log_batches(client, parent.info.run_id, rows, changed)


def note_tags(tags: Mapping[str, str], note: str) -> dict[str, str]:
    """Return the tags that describe a run; none if somebody has described it.

    Args:
        tags: those that it has.
    """
    there = tags.get(MLFLOW_RUN_NOTE, "")
    if there and _sha256(there) != tags.get(OUR_NOTE):
        return {}
    return {MLFLOW_RUN_NOTE: note, OUR_NOTE: _sha256(note) if note else ""}


def _result(client: MlflowClient, run: Run, metrics: RunMetrics) -> SeedResult:
    tags = our_tags(run.data.tags)
    names = {parse_metric_name(key): key for key in run.data.metrics}
    curves = {
        metric: _curve(client, run.info.run_id, names[MetricName("quick", metric)])
        for metric in metrics.headline
        if MetricName("quick", metric) in names
    }
    return SeedResult(
        seed=number_in(run.data.tags, SEED),
        status=status_in(run.data.tags, STATUS),
        ended_at=number_in(run.data.tags, ENDED_AT, "0"),
        final={str(name): run.data.metrics[key] for name, key in names.items() if name.kind == "final"},
        curves=curves,
        word=tags.get(VERDICT_TAG, ""),
        text=tags.get(VERDICT_TEXT_TAG, ""),
    )


def _curve(client: MlflowClient, mlflow_run: str, name: str) -> dict[int, float]:
    """The last value of a metric at every step."""
    history = sorted(client.get_metric_history(mlflow_run, name), key=lambda metric: metric.timestamp)
    return {metric.step: metric.value for metric in history}


def dataset_input(params: Mapping[str, object]) -> DatasetInput:
    """Describe the data set of a run: its name, and its options in the place of a source."""
    name = str(params["dataset"])
    options = {key: str(value) for key, value in params.items() if key == "dataset" or key.startswith("dataset.")}
    source = json.dumps({"tags": options}, sort_keys=True)
    return DatasetInput(Dataset(name, _sha256(source), "code", source), [InputTag(MLFLOW_DATASET_CONTEXT, "training")])


def log_batches(client: MlflowClient, run_id: str, metrics: Sequence[Metric], tags: Sequence[RunTag] = ()) -> None:
    """Log any number of metrics, with tags last."""
    for first in range(0, max(len(metrics), 1), MAX_METRICS_A_BATCH):
        last = first + MAX_METRICS_A_BATCH >= len(metrics)
        client.log_batch(run_id, metrics[first : first + MAX_METRICS_A_BATCH], tags=tags if last else ())


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
