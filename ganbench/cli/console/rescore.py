"""Session of `ganbench rescore`: finished runs, their kept weights, and the numbers that are added to them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ganbench.core.device import find_device
from ganbench.core.errors import GanbenchError
from ganbench.core.formatting import number
from ganbench.evaluation.scorer import Scorer
from ganbench.runs.extra_metrics import create_extra_metrics
from ganbench.runs.log_schema import facts_of, named_values
from ganbench.runs.rescore import WEIGHTS, rescore, spec_to_rescore, step_of_final_scores
from ganbench.tracking import RunRecord
from ganbench.tracking.metric_facts import RunMetrics, metrics_from_tags
from ganbench.tracking.mlflow.client import find_artifact, find_run
from ganbench.tracking.mlflow.reading import read_runs
from ganbench.tracking.mlflow.tracker import MlflowTracker
from ganbench.tracking.store import Store


def rescore_session(
    run_ids: Sequence[str], metrics: Sequence[str], *, experiment: str, store: Store, device: str
) -> int:
    """Score runs by further metrics, and print the values; return the exit status, 1 if a run couldn't be scored.

    Args:
        run_ids: ids or unique prefixes; without any, all scored runs of the experiment.
    """
    console = Console(markup=False, highlight=False)
    records = _records(run_ids, experiment, store)
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("run", "loss", "seed", "metric", "value", "real data"):
        table.add_column(column, justify="right" if column in ("seed", "value", "real data") else "left")
    scorers: dict[str, Scorer] = {}
    failures = []
    for place, (own_experiment, record) in enumerate(records):
        console.print(f"run {record.id} ({place + 1} of {len(records)}) …", style="dim")
        try:
            rows = _rescore_one(record, metrics, scorers, experiment=own_experiment, store=store, device=device)
        except GanbenchError as error:
            failures.append(str(error))
            continue
        for metric, value, floor in rows:
            table.add_row(
                record.id, record.params.get("loss", ""), str(record.seed), metric, number(value), number(floor)
            )
    if table.rows:
        console.print(table)
        console.print(f"\nNext: ganbench compare --metric {','.join(_name(metric) for metric in metrics)}", style="dim")
    for failure in failures:
        console.print(failure, soft_wrap=True)
    return 1 if failures else 0


def _rescore_one(
    record: RunRecord,
    texts: Sequence[str],
    scorers: dict[str, Scorer],
    *,
    experiment: str,
    store: Store,
    device: str,
) -> list[tuple[str, float, float]]:
    """Score one run, add the numbers to it, and return metric, value and floor of each."""
    spec = spec_to_rescore(record)
    metrics = create_extra_metrics(texts, spec)
    setting = f"{spec.dataset.to_spec()} {spec.protocol_label}"
    if setting not in scorers:
        data = spec.dataset.load(find_device(device))
        scorers[setting] = Scorer.with_disk_cache(spec.case, spec.dataset, data)
    with tempfile.TemporaryDirectory() as folder:
        weights = find_artifact(store, experiment, record.id, WEIGHTS, Path(folder))
        scores = rescore(record, spec, weights, metrics, scorers[setting])
    log = MlflowTracker(store, experiment).amend(record.id)
    extra = {**metrics_from_tags(record.tags).extra, **facts_of(metrics)}
    log.tags(RunMetrics(extra=extra).extra_tag())
    log.metrics(step_of_final_scores(record), named_values(scores, "extra"))
    return [(name, value, scores.floors[name]) for name, value in scores.values.items()]


def _records(run_ids: Sequence[str], experiment: str, store: Store) -> list[tuple[str, RunRecord]]:
    if run_ids:
        return [find_run(store, run_id) for run_id in run_ids]
    records = read_runs(store, experiment, history=False)
    scored = [(experiment, record) for record in records if record.status in ("finished", "collapsed")]
    if not scored:
        raise GanbenchError(f"no run of experiment {experiment} has final scores")
    return scored


def _name(text: str) -> str:
    return text.partition(":")[0]
