"""Run a spec over seeds: train, evaluate, checkpoint, track; and take up what was interrupted.

At an evaluation the checkpoint is written first and holds the scores; they are tracked afterwards, and again when a
killed run is resumed. So a score is tracked exactly once, and never lost.
"""

from __future__ import annotations

import math
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

import filelock
import numpy as np
import torch
from safetensors.torch import save_file

from ganbench.config import RunSpec
from ganbench.data import Data
from ganbench.errors import GanbenchError
from ganbench.metrics.evaluator import Evaluator
from ganbench.plots import class_histogram
from ganbench.protocols import Scorer, Scores
from ganbench.track import DONE, RunLog, Status, Tracker
from ganbench.tracked import SHEET, group_head, metric_names, run_facts, sample_sheet, seed_head, to_bytes
from ganbench.train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ganbench.train.trainer import Snapshot, train

STRIDE = 10
"""Steps between two looks at the training: for the progress bar, the mean statistics and Ctrl-C."""
KEPT_SAMPLES = 1000


class Observer(Protocol):
    """Somebody who watches a run."""

    def begin(self, seeds: Sequence[int], step: int) -> None:
        """These seeds begin to train together, after `step` steps."""

    def progress(self, snapshot: Snapshot) -> None:
        """Training has come so far. Reading the statistics costs a synchronisation with the device."""

    def scored(self, step: int, scores: Mapping[int, Scores]) -> None:
        """Seeds were scored."""

    def say(self, line: str) -> None:
        """Something worth a line."""


@dataclass(frozen=True)
class Job:
    """What a run is asked to do, beside its spec."""

    spec: RunSpec
    seeds: tuple[int, ...]
    device: torch.device
    checkpoints: Path
    force: bool = False


def find_device(name: str) -> torch.device:
    """The device for `auto`, `cpu` or `cuda`.

    Raises:
        GanbenchError: a GPU is asked for and there is none.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise GanbenchError("this machine has no GPU that torch can use: choose --device cpu or auto")
    return torch.device(name)


def device_name(device: torch.device) -> str:
    """The device in words: a GPU's model, or how many CPU threads are used."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return f"cpu ({torch.get_num_threads()} threads)"


def run(job: Job, data: Data, tracker: Tracker, observer: Observer, stop: threading.Event) -> dict[int, Status]:
    """Train and evaluate every seed that isn't done yet; return how each seed asked for ended.

    Setting `stop` ends it at the next opportunity, with a checkpoint.

    Raises:
        GanbenchError: another process is at the same runs, or a checkpoint is corrupt.
    """
    spec = job.spec
    with _alone(job.checkpoints):
        checkpoints = find_checkpoints(job.checkpoints)
        if job.force:
            for seed in job.seeds:
                tracker.discard(spec.run_id(seed))
            checkpoints = _without(checkpoints, job.seeds)
        statuses = {seed: tracker.status(spec.run_id(seed)) for seed in job.seeds}
        pending = [seed for seed, status in statuses.items() if status not in DONE]
        if pending:
            evaluator = Evaluator(spec.dataset.evaluator, job.device)
            scorer = Scorer(spec.protocol, evaluator, data)
            for seeds, checkpoint in plan(pending, checkpoints):
                statuses |= _EnsembleRun(job, seeds, checkpoint, data, scorer, tracker, observer).train(stop)
                if stop.is_set():
                    break
            if all(status in DONE for status in statuses.values()):
                tracker.close_group(spec.group_id)
    return {seed: statuses[seed] or "stopped" for seed in job.seeds}


def find_checkpoints(folder: Path) -> list[Checkpoint]:
    """The checkpoints of interrupted ensembles; what a killed process left half-written is removed."""
    for leftover in folder.glob(".part-*"):
        leftover.unlink()
    return [load_checkpoint(path) for path in sorted(folder.glob("*.safetensors"))]


def plan(pending: Sequence[int], checkpoints: Sequence[Checkpoint]) -> list[tuple[tuple[int, ...], Checkpoint | None]]:
    """Which seeds train together: each interrupted ensemble goes on whole, all other seeds begin as one.

    An ensemble is not split, since seeds trained in other company round differently in the last bit.
    """
    parts: list[tuple[tuple[int, ...], Checkpoint | None]] = []
    left = set(pending)
    for checkpoint in checkpoints:
        seeds = tuple(checkpoint.record["seeds"])
        if left & set(seeds):
            parts.append((seeds, checkpoint))
            left -= set(seeds)
    return [*parts, (tuple(sorted(left)), None)] if left else parts


@dataclass
class _Record:
    """What a checkpoint remembers beside the tensors, as JSON."""

    seeds: list[int]
    step: int = 0
    seconds: float = 0.0
    """Training time so far, evaluation excluded."""
    looks: int = 0
    """How many steps' statistics were added up since the last evaluation."""
    sums: dict[str, list[float]] = field(default_factory=dict)
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    """By seed, what the evaluation at this step found."""
    diverged: dict[str, int] = field(default_factory=dict)
    """By seed, the step at which a loss was no longer finite."""


class _EnsembleRun:
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
        self._path = job.checkpoints / f"seeds-{_in_short(seeds)}.safetensors"
        self._resumed = checkpoint
        self._record = _Record(**checkpoint.record) if checkpoint else _Record(list(seeds))
        facts = run_facts(device_name(job.device), scorer.evaluator)
        group = group_head(job.spec, facts)
        self._logs = {
            seed: tracker.open(seed_head(job.spec, seed, facts), group)
            for seed in seeds
            if str(seed) not in self._record.diverged
        }
        self._sums = {name: torch.tensor(sums, dtype=torch.float64) for name, sums in self._record.sums.items()}

    def train(self, stop: threading.Event) -> dict[int, Status]:
        """Train to the end, or until `stop` is set or every seed has diverged."""
        spec, record = self._spec, self._record
        self._observer.begin(self._seeds, record.step)
        clock = time.monotonic()
        for snapshot in train(
            spec,
            self._seeds,
            self._data,
            self._job.device,
            every=math.gcd(STRIDE, spec.evaluation.every),
            resume=self._resumed.tensors if self._resumed else None,
            resume_step=record.step,
        ):
            due = snapshot.step % spec.evaluation.every == 0 or snapshot.step == spec.train.steps
            if due and self._job.device.type == "cuda":
                torch.cuda.synchronize()
            record.seconds += time.monotonic() - clock
            if snapshot.statistics:
                self._look(snapshot)
                if due:
                    self._evaluate(snapshot)
                    self._save(snapshot)
            if due:
                self._track(snapshot)
            self._observer.progress(snapshot)
            over = snapshot.step == spec.train.steps or not self._logs
            if stop.is_set() and not over:
                self._save(snapshot)
                for log in self._logs.values():
                    log.finish("stopped")
            if stop.is_set() or over:
                break
            clock = time.monotonic()
        return self._end(over)

    def _look(self, snapshot: Snapshot) -> None:
        for name, values in snapshot.statistics.items():
            # Kept on the device: a look costs no synchronisation.
            before = self._sums[name].to(values.device) if name in self._sums else 0.0
            self._sums[name] = before + values.double()
        self._record.looks += 1
        self._record.metrics = {}
        self._record.step = snapshot.step

    def _evaluate(self, snapshot: Snapshot) -> None:
        spec, record = self._spec, self._record
        means = {name: (sums / record.looks).tolist() for name, sums in self._sums.items()}
        found: dict[int, Scores] = {}
        last = snapshot.step == spec.train.steps
        for row, seed in enumerate(self._seeds):
            if str(seed) in record.diverged:
                continue
            samples = snapshot.sample(row, spec.evaluation.samples if last else spec.evaluation.quick_samples)
            statistics = {f"train/{name}": values[row] for name, values in means.items()}
            # A mean over steps that weren't finite isn't either; and a network can break before its loss shows it.
            if not all(map(math.isfinite, statistics.values())) or not bool(samples.isfinite().all()):
                record.diverged[str(seed)] = snapshot.step
                continue
            features = self._scorer.evaluator(samples)
            quick = self._scorer.score(features.first(spec.evaluation.quick_samples))
            metrics = metric_names(quick, self._data.mode_names, "quick/") | statistics
            found[seed] = quick
            if last:
                found[seed] = self._scorer.score(features)
                metrics |= metric_names(found[seed], self._data.mode_names, "")
            record.metrics[str(seed)] = metrics
        self._sums, record.looks = {}, 0
        self._observer.scored(snapshot.step, found)

    def _save(self, snapshot: Snapshot) -> None:
        self._record.sums = {name: sums.tolist() for name, sums in self._sums.items()}
        save_checkpoint(self._path, snapshot.state.tensors(), asdict(self._record))

    def _track(self, snapshot: Snapshot) -> None:
        last = snapshot.step == self._spec.train.steps
        for row, seed in enumerate(self._seeds):
            log = self._logs.get(seed)
            if log is None:
                continue
            if str(seed) in self._record.diverged:
                log.tags({"diverged-at": str(self._record.diverged[str(seed)])})
                log.finish("diverged")
                del self._logs[seed]
                self._observer.say(f"seed {seed} diverged by step {snapshot.step}: its loss is no longer finite")
                continue
            if str(seed) in self._record.metrics:
                metrics = self._record.metrics[str(seed)]
                log.metrics(snapshot.step, metrics | {"train/seconds": self._record.seconds})
            log.image("samples", snapshot.step, sample_sheet(snapshot.sample(row, SHEET)))
            if last:
                self._keep_artifacts(log, snapshot, row, seed)
                log.finish("finished")

    def _keep_artifacts(self, log: RunLog, snapshot: Snapshot, row: int, seed: int) -> None:
        names, metrics = self._data.mode_names, self._record.metrics[str(seed)]
        shares = [[metrics[f"{kind}/{name}"] for name in names] for kind in ("class", "confident")]
        log.figure("class-histogram.png", class_histogram(names, *shares))
        with tempfile.TemporaryDirectory() as folder:
            weights, samples = Path(folder) / "weights.safetensors", Path(folder) / "samples.npy"
            tensors = {name: tensor[row].detach().cpu() for name, tensor in snapshot.state.tensors().items()}
            save_file(tensors, weights, metadata={"seed": str(seed), "step": str(snapshot.step)})
            np.save(samples, to_bytes(snapshot.sample(row, KEPT_SAMPLES)), allow_pickle=False)
            log.file(weights, "checkpoint")
            log.file(samples, "samples")

    def _end(self, over: bool) -> dict[int, Status]:
        if over:
            self._path.unlink(missing_ok=True)
        ended: Status = "finished" if over else "stopped"
        return {seed: "diverged" if str(seed) in self._record.diverged else ended for seed in self._seeds}


def _without(checkpoints: Sequence[Checkpoint], seeds: Sequence[int]) -> list[Checkpoint]:
    """Drop the checkpoints that hold any of these seeds, from disk too."""
    kept = []
    for checkpoint in checkpoints:
        if set(checkpoint.record["seeds"]) & set(seeds):
            checkpoint.path.unlink()
        else:
            kept.append(checkpoint)
    return kept


def _in_short(seeds: Sequence[int]) -> str:
    """Seeds as a short file name."""
    text = "-".join(map(str, seeds))
    return text if len(text) <= 60 else f"{seeds[0]}-to-{seeds[-1]}-{len(seeds)}"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes from working at the same runs."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(folder / ".lock", timeout=0):
            yield
    except filelock.Timeout as error:
        raise GanbenchError(
            "another process is running this very spec in this store: wait for it, or stop it"
        ) from error
