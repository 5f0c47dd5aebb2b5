"""The run logs of seeds that train together: numbers and pictures of each evaluation, and the artifacts at the end."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from ganbench.core.device import device_name
from ganbench.data import Data
from ganbench.data.evaluators import Evaluator
from ganbench.runs.artifacts import keep_artifacts, keep_timeline
from ganbench.runs.best_weights import BestWeights
from ganbench.runs.checkpoint_record import CheckpointRecord
from ganbench.runs.collapse_monitor import CollapseMonitor
from ganbench.runs.job import Job
from ganbench.runs.log_schema import event_tag, group_head, run_facts, sample_picture, seed_head, verdict_tags
from ganbench.tracking import DONE, RunLog, Status, Tracker
from ganbench.tracking.annotations import annotation_from_tags
from ganbench.tracking.metric_names import MetricName
from ganbench.training.trainer import Snapshot


class EnsembleLogs:
    """The run log of each seed that has not ended yet."""

    def __init__(
        self,
        job: Job,
        seeds: tuple[int, ...],
        data: Data,
        evaluator: Evaluator,
        monitor: CollapseMonitor,
        best: BestWeights,
        tracker: Tracker,
    ) -> None:
        self._steps = job.spec.train.steps
        self._mode_word = job.spec.dataset.mode_word
        self._data = data
        self._monitor = monitor
        self._best = best
        facts = run_facts(job.spec, seeds, device_name(job.device), evaluator, job.extra_metrics)
        title = annotation_from_tags(job.tags).label or job.spec.title
        group = group_head(job.spec, title, facts)
        # In an interrupted ensemble, some seeds may have diverged, or been closed just before the process was killed.
        self._open = {
            seed: tracker.open(seed_head(job.spec, seed, title, facts | dict(job.tags)), group)
            for seed in seeds
            if tracker.status(job.spec.run_id(seed)) not in DONE
        }

    @property
    def all_closed(self) -> bool:
        return not self._open

    def tag(self, tags: Mapping[str, str]) -> None:
        """Set tags of the open logs."""
        for log in self._open.values():
            log.tags(tags)

    def write(self, snapshot: Snapshot, record: CheckpointRecord) -> None:
        """Write the latest evaluation to the open logs, and close those of seeds that have ended."""
        last = snapshot.step == self._steps
        for row, seed in enumerate(record.seeds):
            log = self._open.get(seed)
            if log is None:
                continue
            status = record.status(seed, "finished" if last else "running")
            if status == "diverged":
                log.metrics(record.diverged[str(seed)], {str(MetricName("event", "divergence")): 1.0})
            else:
                if str(seed) in record.metrics:
                    log.metrics(snapshot.step, record.metrics[str(seed)])
                log.image("samples", snapshot.step, sample_picture(self._data, partial(snapshot.sample, row)))
            if status in DONE:
                self._finish(log, snapshot, row, record, status)
                del self._open[seed]

    def close(self, status: Status, step: int) -> None:
        """Close the open logs, whose seeds have been trained up to this step."""
        for log in self._open.values():
            log.finish(status, step)

    def _finish(self, log: RunLog, snapshot: Snapshot, row: int, record: CheckpointRecord, status: Status) -> None:
        seed = record.seeds[row]
        diverged_at = record.diverged.get(str(seed))
        events = self._monitor.events(seed, diverged_at)
        keep_timeline(log, self._data, self._monitor.observations(seed), events, self._mode_word)
        self._best.track(log, seed)
        if status == "diverged":
            verdict = verdict_tags("DIVERGED", [f"a loss was no longer finite by step {diverged_at:,}"])
        else:
            verdict = record.verdicts.get(str(seed), {})
            keep_artifacts(log, self._data, snapshot, row, seed, record.metrics[str(seed)], self._mode_word)
        log.tags({"accelerated": snapshot.accelerated, **event_tag(events), **verdict})
        log.finish(status, snapshot.step if diverged_at is None else diverged_at)
