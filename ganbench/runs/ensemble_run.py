"""Runs of seeds that train together, from start or checkpoint to end: evaluated, checkpointed and tracked.

At an evaluation the checkpoint, which includes the scores, is written first; the scores are tracked afterwards, and
again when a killed run is resumed. Since tracking is idempotent, no score is lost or doubled.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch

from ganbench.core.errors import GanbenchError
from ganbench.core.formatting import seeds_in_words
from ganbench.core.mode_words import with_noun
from ganbench.data import Data
from ganbench.evaluation.scorer import Scorer, Scores
from ganbench.runs.best_weights import BestWeights
from ganbench.runs.checkpoint_record import CheckpointRecord
from ganbench.runs.collapse_monitor import CollapseMonitor
from ganbench.runs.ensemble_logs import EnsembleLogs
from ganbench.runs.environment import changes, environment
from ganbench.runs.job import Job, Observer
from ganbench.runs.mean_statistics import MeanStatistics
from ganbench.runs.seed_scorer import SeedScorer
from ganbench.tracking import RESUMED_WITH, Status, Tracker
from ganbench.tracking.metric_names import SECONDS
from ganbench.training.checkpoint import Checkpoint, remove_checkpoint, save_checkpoint
from ganbench.training.state import StateMismatchError
from ganbench.training.trainer import Snapshot, train

STRIDE = 10
"""Steps between two snapshots of training, for the progress bar, the mean statistics and Ctrl-C."""


class EnsembleRun:
    """The loop over the snapshots of seeds that train together: it evaluates, saves and tracks them when due."""

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
        self._observer = observer
        self._record = CheckpointRecord(**checkpoint.record) if checkpoint else CheckpointRecord(list(seeds))
        self._record.group = job.spec.group_id
        tensors = checkpoint.tensors if checkpoint else {}
        self._best = BestWeights(job.keep, job.spec.case, self._record, tensors)
        self._means = MeanStatistics(self._record.sums, self._record.looks)
        self._snapshots = train(
            job.spec,
            seeds,
            data,
            job.device,
            every=math.gcd(STRIDE, job.spec.evaluation.every),
            resume=checkpoint.tensors if checkpoint else None,
            resume_step=self._record.step,
            accelerated=job.accelerated,
        )
        monitor = CollapseMonitor(job.spec, data, scorer, self._record.history)
        self._scorer = SeedScorer(job.spec, data.mode_names, scorer, monitor, job.extra_metrics)
        self._logs = EnsembleLogs(job, seeds, data, scorer.evaluator, monitor, self._best, tracker)

    def train(self, stop: threading.Event) -> dict[int, Status]:
        """Train to the end, or until `stop` is set or every seed has ended.

        Raises:
            GanbenchError: the checkpoint does not fit the spec.
        """
        try:
            return self._train(stop)
        except StateMismatchError as error:
            self._stop()
            raise GanbenchError(
                f"the checkpoint '{self._path}' doesn't fit: {error}; delete it to start again"
            ) from error
        except torch.OutOfMemoryError as error:
            self._stop()
            raise GanbenchError("the GPU's memory is full: try fewer seeds at once, or a smaller batch") from error
        except BaseException:
            self._stop()
            raise

    def _train(self, stop: threading.Event) -> dict[int, Status]:
        spec, record, profile = self._job.spec, self._record, self._job.profile
        on_gpu = self._job.device.type == "cuda"
        self._observer.begin(record.seeds, record.step)
        self._note_environment()
        clock: float | None = None
        over = False
        for snapshot in profile.steps.at(self._snapshots) if profile.steps else self._snapshots:
            due = snapshot.step % spec.evaluation.every == 0 or snapshot.step == spec.train.steps
            if due and on_gpu:
                torch.cuda.synchronize()
            if clock is not None:  # the first snapshot is the state before training
                seconds = time.monotonic() - clock
                profile.add("training", seconds)
                self._advance(snapshot, seconds)
                if due:
                    with profile.phase("evaluation"):
                        self._evaluate(snapshot)
                    with profile.phase("checkpoints"):
                        self._save(snapshot)
            if due:
                with profile.phase("tracking"):
                    self._logs.write(snapshot, record)
            with profile.phase("display"):
                self._observer.progress(snapshot)
            over = snapshot.step == spec.train.steps or self._logs.all_closed
            if stop.is_set() or over:
                break
            clock = time.monotonic()
        profile.accelerated = snapshot.accelerated
        if on_gpu:
            self._observer.say(f"accelerated: {snapshot.accelerated}")
        if over:
            for seed in record.seeds:
                if self._best.in_words(seed):
                    self._observer.say(f"seed {seed}: {self._best.in_words(seed)}, whose weights are kept as well")
            remove_checkpoint(self._path)
        else:
            self._save(snapshot)
            self._stop()
        return {seed: record.status(seed, "finished" if over else "stopped") for seed in record.seeds}

    def _note_environment(self) -> None:
        """Record the environment; warn and tag the runs if training goes on in another one than it began in."""
        environments, now = self._record.environments, environment(self._job.device)
        if environments[-1:] != [now]:
            environments.append(now)
            for change in changes(environments)[-1:]:
                self._observer.say(
                    f"resuming with {change}: the numbers will not be those of an uninterrupted run; "
                    f"the runs are tagged '{RESUMED_WITH}'"
                )
        if len(environments) > 1:
            self._logs.tag({RESUMED_WITH: "; ".join(changes(environments))})

    def _advance(self, snapshot: Snapshot, seconds: float) -> None:
        """Record that this snapshot has been reached, `seconds` after the last one."""
        self._means.add(snapshot.statistics)
        self._record.seconds += seconds
        self._record.step = snapshot.step
        self._record.metrics = {}

    def _evaluate(self, snapshot: Snapshot) -> None:
        record, means, scores = self._record, self._means.take(), dict[int, Scores]()
        seeds_of: dict[str, list[int]] = {}
        for row, seed in enumerate(record.seeds):
            if record.status(seed, "running") != "running":
                continue
            statistics = {name: values[row] for name, values in means.items()}
            statistics[SECONDS] = record.seconds / len(record.seeds)
            evaluation = self._scorer.score(snapshot, row, seed, statistics)
            record.add(seed, evaluation)
            if evaluation.scores is None:
                self._observer.say(f"seed {seed} diverged by step {record.step}: its loss is no longer finite")
            else:
                scores[seed] = evaluation.scores
                self._best.offer(seed, evaluation.numbers, partial(snapshot.generator_weights, row))
            for event in evaluation.events:
                words = with_noun(f"{event.kind}: {event.words}", self._job.spec.dataset.mode_word)
                seeds_of.setdefault(f"step {event.step:,}: {words}", []).append(seed)
        for event_words, seeds in seeds_of.items():
            self._observer.say(f"{seeds_in_words(seeds)}, {event_words}")
        self._observer.scored(record.step, scores)

    def _save(self, snapshot: Snapshot) -> None:
        self._record.sums, self._record.looks = self._means.sums(), self._means.count
        save_checkpoint(self._path, snapshot.state.tensors() | self._best.tensors(), asdict(self._record))

    def _stop(self) -> None:
        self._logs.close("stopped", self._record.step)

    @property
    def _path(self) -> Path:
        return self._job.checkpoints / f"seeds-{_seeds_slug(self._record.seeds)}.safetensors"


def _seeds_slug(seeds: Sequence[int]) -> str:
    """Format seeds for a short file name."""
    text = "-".join(map(str, seeds))
    return text if len(text) <= 60 else f"{seeds[0]}-to-{seeds[-1]}-{len(seeds)}"
