"""Session of `ganbench rescore`: finished runs, their kept weights, and the numbers that are added to them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from rich.table import Table

from ganbench.cli.console.terminal import Terminal
from ganbench.core.device import find_device, scoring_device
from ganbench.core.errors import GanbenchError
from ganbench.core.formatting import number, with_sd
from ganbench.data import Dataset
from ganbench.evaluation.extra_metrics import check_extra_metrics, create_extra_metrics
from ganbench.evaluation.metrics import Metric
from ganbench.evaluation.protocols import Protocol
from ganbench.evaluation.scorer import Scorer, Scores
from ganbench.runs.kept_generator import Which, find_weights
from ganbench.runs.log_schema import facts_of, named_values
from ganbench.runs.rescore import rescore, spec_to_rescore, step_of_final_scores
from ganbench.spec.run_spec import RunSpec
from ganbench.tracking import RunRecord
from ganbench.tracking.annotations import NAME_TAG
from ganbench.tracking.metric_facts import RunMetrics, metrics_from_tags
from ganbench.tracking.mlflow.client import find_run
from ganbench.tracking.mlflow.reading import read_runs
from ganbench.tracking.mlflow.tracker import MlflowTracker
from ganbench.tracking.store import Store


def rescore_session(
    run_ids: Sequence[str], metrics: Sequence[str], *, weights: Which, experiment: str, store: Store, device: str
) -> int:
    """Score runs by further metrics, and print the values; return the exit status, 1 if a run couldn't be scored.

    Args:
        run_ids: ids or unique prefixes; without any, all scored runs of the experiment that were trained here.
        weights: which weights; the numbers of the last are added to the runs.
    """
    console = Terminal()
    rescorer = _Rescorer(create_extra_metrics(metrics), weights, store, scoring_device(find_device(device)))
    records = _records(run_ids, experiment, store)
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("run", "method", "seed", "metric", "value", "real data"):
        table.add_column(column, justify="right" if column in ("seed", "value", "real data") else "left")
    failures = []
    for place, (own_experiment, record) in enumerate(records):
        console.print(f"run {record.id} ({place + 1} of {len(records)}) …", style="dim")
        try:
            scores = rescorer.rescore(own_experiment, record)
        except GanbenchError as error:
            failures.append(f"run {record.id}: {error}")
            continue
        for name, value in scores.values.items():
            method = record.tags.get(NAME_TAG) or record.params.get("loss", "")
            floor = with_sd(scores.floors[name], scores.floor_sds[name])
            table.add_row(record.id, method, str(record.seed), name, number(value), floor)
    if table.rows:
        console.print(table)
        note = "These are of the best weights: nothing was added to the runs."
        if weights == "last":
            names, where = ",".join(rescorer.metrics), sorted({own_experiment for own_experiment, _ in records})[0]
            note = f"Next: ganbench compare --experiment {where} --metric {names}"
        console.print(f"\n{note}", style="dim", soft_wrap=True)
    for failure in failures:
        console.print(failure, soft_wrap=True)
    return 1 if failures else 0


class _Rescorer:
    """Scores runs of a store; one scorer serves all runs of a data set and protocol."""

    def __init__(self, metrics: Mapping[str, Metric], weights: Which, store: Store, device: torch.device) -> None:
        self.metrics = metrics
        self._weights = weights
        self._store = store
        self._device = device
        self._trackers: dict[str, MlflowTracker] = {}
        self._scorers: dict[tuple[Dataset, Protocol], tuple[Scorer, Scorer]] = {}

    def rescore(self, experiment: str, record: RunRecord) -> Scores:
        """Score a run, and add the numbers to it if they are of its last weights."""
        spec = spec_to_rescore(record)
        check_extra_metrics(self.metrics, spec.case, spec.protocol_label)
        setting = (spec.dataset, spec.protocol)
        if setting not in self._scorers:
            scorer = Scorer.with_disk_cache(spec.case, spec.dataset, spec.dataset.load(self._device))
            self._scorers[setting] = (scorer, scorer.with_metrics(self.metrics))
        with tempfile.TemporaryDirectory() as folder:
            weights = find_weights(self._store, experiment, record.id, self._weights, Path(folder))
            scores = rescore(record, spec, weights, self._weights, *self._scorers[setting])
        if self._weights == "last":
            self._add(experiment, record, spec, scores)
        return scores

    def _add(self, experiment: str, record: RunRecord, spec: RunSpec, scores: Scores) -> None:
        if experiment not in self._trackers:
            self._trackers[experiment] = MlflowTracker(self._store, experiment)
        log = self._trackers[experiment].amend(record.id)
        extra = {
            **metrics_from_tags(record.tags).extra,
            **facts_of(self.metrics, spec.dataset.mode_word, record.tags.get("evaluator", "")),
        }
        log.tags(RunMetrics(extra=extra).extra_tag())
        log.metrics(step_of_final_scores(record), named_values(scores, "extra"))


def _records(run_ids: Sequence[str], experiment: str, store: Store) -> list[tuple[str, RunRecord]]:
    """The experiment and the record of each run to score."""
    if run_ids:
        return [find_run(store, run_id) for run_id in run_ids]
    records = read_runs(store, experiment, history=False)
    scored = [record for record in records if record.status in ("finished", "collapsed") and "spec" in record.tags]
    if not scored:
        raise GanbenchError(f"no run of experiment {experiment} has final scores and weights")
    return [(experiment, record) for record in scored]
