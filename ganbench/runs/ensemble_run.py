"""Runs of seeds that train together, from start or checkpoint to end: evaluated, checkpointed and tracked.

At an evaluation the checkpoint, which includes the scores, is written first; the scores are tracked afterwards, and
again when a killed run is resumed. Since tracking is idempotent, no score is lost or doubled.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial

import torch

from ganbench.core.device import device_name
from ganbench.core.errors import GanbenchError
from ganbench.data import Data
from ganbench.evaluation.scorer import Scorer, Scores
from ganbench.runs.artifacts import keep_artifacts
from ganbench.runs.collapse_monitor import CollapseMonitor, History
from ganbench.runs.job import Job, Observer
from ganbench.runs.log_schema import event_names, group_head, metric_names, run_facts, sample_picture, seed_head
from ganbench.tracking import DONE, Status, Tracker
from ganbench.training.checkpoint import Checkpoint, remove_checkpoint, save_checkpoint
from ganbench.training.state import StateMismatchError
from ganbench.training.trainer import Snapshot, train

STRIDE = 10
"""Steps between two snapshots of training, for the progress bar, the mean statistics and Ctrl-C."""


@dataclass
class Record:
    """The part of a checkpoint besides the tensors, stored as JSON."""

    seeds: list[int]
    step: int = 0
    seconds: float = 0.0
    """Total training time of all seeds so far, without evaluation."""
    looks: int = 0
    """Number of snapshots whose statistics were summed since the last evaluation."""
    sums: dict[str, list[float]] = field(default_factory=dict)
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    """Scores of the evaluation at this step, by seed."""
    diverged: dict[str, int] = field(default_factory=dict)
    """The step at which a seed's loss was no longer finite, by seed."""
    collapsed: dict[str, int] = field(default_factory=dict)
    """The step at which a seed was stopped early as collapsed, by seed."""
    history: History = field(default_factory=dict)
    """Observations of the collapse detector so far, by seed."""


class EnsembleRun:
    """Seeds that train together, from their start or checkpoint to their end."""

    def __init__(
        self,
        job: Job,
        seeds: tuple[int, ...],
        checkpoint: Checkpoint | None,
        data: Data,
        scorer: Scorer,
        tracker: Tracker,
        observer: Observer,
    ) -> None:
        self._job = job
        self._spec = job.spec
        self._seeds = seeds
        self._data = data
        self._scorer = scorer
        self._observer = observer
        self._path = job.checkpoints / f"seeds-{_seeds_slug(seeds)}.safetensors"
        self._resumed = checkpoint.tensors if checkpoint else None
        self._record = Record(**checkpoint.record) if checkpoint else Record(list(seeds))
        self._sums = {name: torch.tensor(sums, dtype=torch.float64) for name, sums in self._record.sums.items()}
        self._watch = CollapseMonitor(job.spec, data, scorer, self._record.history)
        facts = run_facts(job.spec, seeds, device_name(job.device), scorer.evaluator)
        group = group_head(job.spec, facts)
        # In an interrupted ensemble, some seeds may have diverged, or been closed just before the process was killed.
        self._logs = {
            seed: tracker.open(seed_head(job.spec, seed, facts), group)
            for seed in seeds
            if tracker.status(job.spec.run_id(seed)) not in DONE
        }

    def train(self, stop: threading.Event) -> dict[int, Status]:
        """Train to the end, or until `stop` is set or every seed has diverged.

        Raises:
            GanbenchError: the checkpoint does not fit the spec.
        """
        try:
            return self._train(stop)
        except StateMismatchError as error:
            self._close("stopped")
            raise GanbenchError(
                f"the checkpoint '{self._path}' doesn't fit: {error}; delete it to start again"
            ) from error
        except torch.OutOfMemoryError as error:
            self._close("stopped")
            raise GanbenchError("the GPU's memory is full: try fewer seeds at once, or a smaller batch") from error
        except BaseException:
            self._close("stopped")
            raise

    def _train(self, stop: threading.Event) -> dict[int, Status]:
        spec, record = self._spec, self._record
        self._observer.begin(self._seeds, record.step)
        snapshots = train(
            spec,
            self._seeds,
            self._data,
            self._job.device,
            every=math.gcd(STRIDE, spec.evaluation.every),
            resume=self._resumed,
            resume_step=record.step,
            accelerated=self._job.accelerated,
        )
        profile = self._job.profile
        clock: float | None = None
        over = False
        for snapshot in profile.steps.at(snapshots) if profile.steps else snapshots:
            due = snapshot.step % spec.evaluation.every == 0 or snapshot.step == spec.train.steps
            if due and self._job.device.type == "cuda":
                torch.cuda.synchronize()
            if clock is not None:  # the first snapshot is the state before training
                seconds = time.monotonic() - clock
                record.seconds += seconds
                profile.add("training", seconds)
                self._look(snapshot)
                if due:
                    with profile.phase("evaluation"):
                        self._evaluate(snapshot)
                    with profile.phase("checkpoints"):
                        self._save(snapshot)
            if due:
                with profile.phase("tracking"):
                    self._track(snapshot)
            with profile.phase("display"):
                self._observer.progress(snapshot)
            over = snapshot.step == spec.train.steps or not self._logs
            if stop.is_set() or over:
                break
            clock = time.monotonic()
        profile.accelerated = snapshot.accelerated
        if self._job.device.type == "cuda":
            self._observer.say(f"accelerated: {snapshot.accelerated}")
        if over:
            remove_checkpoint(self._path)
        else:
            self._save(snapshot)
            self._close("stopped")
        ended: Status = "finished" if over else "stopped"
        return {seed: self._status(seed, ended) for seed in self._seeds}

    def _status(self, seed: int, otherwise: Status) -> Status:
        if str(seed) in self._record.diverged:
            return "diverged"
        return "collapsed" if str(seed) in self._record.collapsed else otherwise

    def _close(self, status: Status) -> None:
        for log in self._logs.values():
            log.finish(status, self._record.step)

    def _look(self, snapshot: Snapshot) -> None:
        for name, values in snapshot.statistics.items():
            # Sums stay on the device, so that no synchronisation is needed.
            before = self._sums[name].to(values.device) if name in self._sums else 0.0
            self._sums[name] = before + values.double()
        self._record.looks += 1
        self._record.metrics = {}
        self._record.step = snapshot.step

    def _evaluate(self, snapshot: Snapshot) -> None:
        record = self._record
        means = {name: (sums / record.looks).tolist() for name, sums in self._sums.items()}
        found: dict[int, Scores] = {}
        for row, seed in enumerate(self._seeds):
            if str(seed) in record.diverged or str(seed) in record.collapsed:
                continue
            statistics = {f"train/{name}": values[row] for name, values in means.items()}
            scores = self._score(snapshot, row, seed, statistics)
            if scores is None:
                record.diverged[str(seed)] = snapshot.step
            else:
                found[seed] = scores
        self._sums, record.looks = {}, 0
        self._observer.scored(snapshot.step, found)

    def _score(self, snapshot: Snapshot, row: int, seed: int, statistics: dict[str, float]) -> Scores | None:
        """Score a seed, and record its numbers and events; None if it has diverged."""
        spec, record, names = self._spec, self._record, self._data.mode_names
        last = snapshot.step == spec.train.steps
        samples = snapshot.sample(row, spec.evaluation.samples if last else spec.evaluation.quick_samples)
        # The mean is not finite if any step's statistics weren't; and a network can break before its loss shows it.
        if not all(map(math.isfinite, statistics.values())) or not bool(samples.isfinite().all()):
            return None
        features = self._scorer.evaluator(samples)
        first = features.first(spec.evaluation.quick_samples)
        scores = self._scorer.score(first, quick=True)
        statistics["train/seconds"] = record.seconds / len(self._seeds)
        metrics = metric_names(scores, names, "quick/") | statistics
        self._watch.look(snapshot.step, seed, self._scorer.see(first), statistics)
        given_up = not last and self._watch.gives_up(seed)
        if given_up:
            record.collapsed[str(seed)] = snapshot.step
            features = self._scorer.evaluator(snapshot.sample(row, spec.evaluation.samples))
        if last or given_up:
            scores = self._scorer.score(features)
            metrics |= metric_names(scores, names, "")
        events = [event for event in self._watch.events(seed) if event.step == snapshot.step]
        for event in events:
            self._observer.say(f"seed {seed}, step {event.step:,}: {event.kind}: {event.words}")
        record.metrics[str(seed)] = metrics | event_names(events)
        return scores

    def _save(self, snapshot: Snapshot) -> None:
        self._record.sums = {name: sums.tolist() for name, sums in self._sums.items()}
        save_checkpoint(self._path, snapshot.state.tensors(), asdict(self._record))

    def _track(self, snapshot: Snapshot) -> None:
        last = snapshot.step == self._spec.train.steps
        for row, seed in enumerate(self._seeds):
            log = self._logs.get(seed)
            if log is None:
                continue
            status = self._status(seed, "finished" if last else "running")
            if status == "diverged":
                step = self._record.diverged[str(seed)]
                log.metrics(step, {"event/divergence": 1.0})
                self._observer.say(f"seed {seed} diverged by step {snapshot.step}: its loss is no longer finite")
            else:
                if str(seed) in self._record.metrics:
                    log.metrics(snapshot.step, self._record.metrics[str(seed)])
                log.image("samples", snapshot.step, sample_picture(self._data, partial(snapshot.sample, row)))
            if status in DONE:
                self._watch.keep(log, seed, self._record.diverged.get(str(seed)))
                if status != "diverged":
                    keep_artifacts(log, self._data, snapshot, row, seed, self._record.metrics[str(seed)])
                log.tags({"accelerated": snapshot.accelerated})
                log.finish(status, self._record.diverged.get(str(seed), snapshot.step))
                del self._logs[seed]


def _seeds_slug(seeds: Sequence[int]) -> str:
    """Format seeds for a short file name."""
    text = "-".join(map(str, seeds))
    return text if len(text) <= 60 else f"{seeds[0]}-to-{seeds[-1]}-{len(seeds)}"
