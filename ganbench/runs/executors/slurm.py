"""Execution of tasks as jobs of a Slurm cluster, one job for each, through submitit.

A job that ends before its task (its time is up, it is preempted or killed, its node is lost) is submitted again, and
resumes from its checkpoint: home, store folder and environment are the same on all nodes. Jobs answer in JSON files.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ganbench.core.errors import GanbenchError
from ganbench.core.output_encoding import spell_unencodable_output
from ganbench.runs.executors.base import TRIES
from ganbench.runs.executors.shared_disk import refuse_shared_disk
from ganbench.runs.executors.slurm_queue import GoneJobs
from ganbench.runs.task import Task, TaskResult, from_plain, perform, plain
from ganbench.tracking.store import find_store
from ganbench.training.checkpoint import checkpoint_paths, load_checkpoint

try:
    import submitit
    from submitit.core.utils import FailedJobError, FailedSubmissionError
    from submitit.slurm.slurm import SlurmInfoWatcher
except ImportError as error:
    raise GanbenchError("--executor slurm needs submitit: pip install 'ganbench[slurm]'") from error

JOBS = 16
"""Jobs in the queue at once by default."""
THREADS = 4
"""Threads and cores of a job by default."""
DEFAULTS = {"job_name": "ganbench", "time": "4:00:00", "signal": "TERM@120"}
"""Options of sbatch that others replace. The signal is sent 120 seconds before the time is up: an evaluation may have
to end before a checkpoint can be saved."""
FIXED = {
    "cpus_per_task": "use --threads",
    **dict.fromkeys(("array", "nodes", "ntasks", "ntasks_per_node"), "a group is one job on one node"),
    **dict.fromkeys(("output", "error", "open_mode", "wrap"), "it is chosen by ganbench"),
}
"""Options of sbatch that are not for users, and why."""
GPU_OPTIONS = {"gres", "gpus", "gpus_per_node", "gpus_per_task"}
ACCOUNTING_INTERVAL = 60
"""The most seconds between two questions to Slurm's accounting, which tells of jobs that died; submitit's is 600."""
PAUSE = 60.0
"""Seconds before a task is submitted again that Slurm refused, or whose runs another process is training."""
REPEAT = 30.0
"""Seconds between two SIGTERMs to a job that is to stop: the first is lost if its program hasn't started yet."""


@dataclass
class _Attempts:
    """The attempts at a task: the latest, and how many in a row ended without a new checkpoint.

    Attributes:
        due: when to submit it (`time.monotonic`).
        steps: the steps of its checkpoints when it was last submitted.
        answer: the file with its result.
    """

    task: Task
    due: float
    tries: int = 0
    steps: Sequence[int] = ()
    answer: Path = Path()
    job: submitit.Job[None] | None = None


class Slurm:
    """A Slurm cluster as an executor; it runs where `sbatch` does.

    Args:
        jobs: number of jobs that are queued or running at once.
        threads: threads and cores of each job; by default as many as $OMP_NUM_THREADS says, or four.
        device: `cpu` or `cuda`; with `cuda` a job gets one GPU unless `options` ask for others.
        options: options of sbatch by name, without dashes in front; an empty value for those without one.
        log: a file beside which a folder is made for the logs of jobs and what is sent to them.

    Raises:
        GanbenchError: there is no Slurm on this machine, or an option isn't for users.
    """

    def __init__(
        self, jobs: int | None, threads: int | None, device: str, options: Mapping[str, str], log: Path
    ) -> None:
        if shutil.which("srun") is None:
            raise GanbenchError("--executor slurm needs Slurm's commands: there is no srun on this machine")
        chosen = {name.replace("-", "_"): value for name, value in options.items()}
        for name, value in chosen.items():
            if name in FIXED:
                raise GanbenchError(f"the option '{name}' of sbatch can't be set: {FIXED[name]}")
            if not (name.isidentifier() and value.isprintable()):
                raise GanbenchError(f"'{name}={value}' is no option of sbatch")
        if device == "cuda" and not GPU_OPTIONS & chosen.keys():
            chosen["gpus_per_node"] = "1"
        from_environment = os.environ.get("OMP_NUM_THREADS", "")
        threads = threads or (int(from_environment) if from_environment.isdigit() else THREADS)
        self.jobs = jobs or JOBS
        self._open = partial(_open, log, threads, {**DEFAULTS, **chosen})
        self._executor: submitit.Executor | None = None
        self._attempts: dict[str, _Attempts] = {}
        self._submitted = 0
        self._busy: set[str] = set()
        self._full_until = self._repeat_at = 0.0
        self._given_up: list[TaskResult] = []
        self._gone = GoneJobs(ACCOUNTING_INTERVAL)
        self._keep_logs = self._stopping = False

    def submit(self, task: Task) -> None:
        refuse_shared_disk(find_store(task.store))
        if self._executor is None:
            self._executor = self._open()
        # A busy group is trained by a job whose driver is gone: asking again and again would fill the queue.
        pause = PAUSE if task.group in self._busy else 0.0
        self._busy.discard(task.group)
        self._attempts[task.group] = _Attempts(task, time.monotonic() + pause)
        self._given_up += self._submit_due()

    def wait(self, seconds: float) -> Sequence[TaskResult]:
        if self._stopping and time.monotonic() >= self._repeat_at:
            self._repeat_at = time.monotonic() + REPEAT
            for attempts in self._attempts.values():
                if attempts.job is not None:
                    _terminate(attempts.job)
        results = self._ended()
        if not results:
            time.sleep(seconds)
            results = self._ended()
        given_up, self._given_up = self._given_up, []
        return [*given_up, *results, *self._submit_due()]

    def stop(self) -> set[str]:
        self._stopping = True
        self._repeat_at = time.monotonic() + REPEAT
        for group, attempts in list(self._attempts.items()):
            if attempts.job is not None and attempts.job.paths.stdout.exists():
                _terminate(attempts.job)
            else:
                if attempts.job is not None:
                    _cancel(attempts.job)
                del self._attempts[group]
        return set(self._attempts)

    def close(self) -> None:
        running = [attempts.job for attempts in self._attempts.values() if attempts.job is not None]
        for job in running:
            _cancel(job)
        if self._executor is not None and not running and not self._keep_logs:
            shutil.rmtree(self._executor.folder, ignore_errors=True)

    def _submit_due(self) -> list[TaskResult]:
        """Submit what is due, and return the results of tasks that Slurm has refused too often.

        While it has jobs of ours, a refusal means that it takes no more for now, and isn't counted.

        Raises:
            GanbenchError: it refuses the very first.
        """
        assert self._executor is not None
        queued = sum(attempts.job is not None for attempts in self._attempts.values())
        for attempts in self._attempts.values():
            if queued >= self.jobs or self._stopping or time.monotonic() < self._full_until:
                break
            if attempts.job is None and attempts.due <= time.monotonic():
                attempts.steps = _steps(attempts.task)
                attempts.answer = self._executor.folder / f"{self._submitted}.json"
                try:
                    attempts.job = self._executor.submit(_perform, asdict(attempts.task), attempts.answer)
                except (FailedJobError, FailedSubmissionError) as error:
                    refusal = " ".join(str(error).split())
                    if not self._submitted:
                        raise GanbenchError(f"Slurm refuses the job: {refusal}") from error
                    if queued:
                        self._full_until = time.monotonic() + PAUSE
                        break
                    return self._retry(attempts, PAUSE, f"Slurm refused the job: {refusal}")
                self._submitted += 1
                queued += 1
        return []

    def _ended(self) -> list[TaskResult]:
        results: list[TaskResult] = []
        gone = self._gone.among({attempts.job.job_id for attempts in self._attempts.values() if attempts.job})
        for attempts in list(self._attempts.values()):
            job = attempts.job
            if job is not None and (job.job_id in gone or _is_over(job)):
                attempts.job = None
                results += self._result(attempts, job)
        return results

    def _result(self, attempts: _Attempts, job: submitit.Job[None]) -> list[TaskResult]:
        result = _read_answer(attempts.answer)
        group = attempts.task.group
        ended = result is not None and "stopped" not in result.statuses.values()
        if not ended:
            _cancel(job)  # Slurm may have put it back into the queue
        if self._stopping or ended:
            del self._attempts[group]
            if result is not None and result.busy:
                self._busy.add(group)
            self._keep_logs |= result is not None and bool(result.error)
            return [result or TaskResult(group)]
        self._keep_logs |= result is None
        if _steps(attempts.task) != attempts.steps:
            attempts.tries = 0
        return self._retry(attempts, 0, f"its job ended {TRIES} times without a new checkpoint; see {job.paths.stderr}")

    def _retry(self, attempts: _Attempts, pause: float, error: str) -> list[TaskResult]:
        """Let a task be submitted again, or give it up with an error."""
        attempts.tries += 1
        attempts.due = time.monotonic() + pause
        if attempts.tries < TRIES:
            return []
        del self._attempts[attempts.task.group]
        return [TaskResult(attempts.task.group, error=error)]


def _is_over(job: submitit.Job[None]) -> bool:
    """Return whether a job has ended, or was preempted; one that is suspended goes on."""
    return (job.done() and job.state != "SUSPENDED") or job.state == "PREEMPTED"


def _perform(values: dict[str, Any], answer: Path) -> None:
    """Perform a task in a job, and write its result."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
    spell_unencodable_output()
    task = Task(**values)
    try:
        refuse_shared_disk(find_store(task.store))
        result = perform(task, stop)
    except GanbenchError as error:
        result = TaskResult(task.group, error=str(error))
    part = answer.with_suffix(".part")
    part.write_text(json.dumps(plain(result)), encoding="utf-8")
    part.replace(answer)


def _read_answer(path: Path) -> TaskResult | None:
    """Read a job's result; None if it died before it had one."""
    with suppress(OSError, ValueError):
        return from_plain(json.loads(path.read_text(encoding="utf-8")))
    return None


def _steps(task: Task) -> list[int]:
    """Return the steps of a task's checkpoints, which tell whether an attempt got anywhere."""
    with suppress(GanbenchError):
        folder = find_store(task.store).checkpoints(task.experiment, task.group)
        return [load_checkpoint(path).record["step"] for path in checkpoint_paths(folder)]
    return []


def _open(log: Path, threads: int, options: Mapping[str, str]) -> submitit.Executor:
    """Make submitit's executor, and a new folder for it beside the log.

    The folder is this user's alone: submitit unpickles the calls in it, so nobody else may put one there.
    """
    log = log.absolute()
    if "%" in str(log) or not str(log).isprintable():
        raise GanbenchError(
            f"Slurm can't write to '{log.parent}': choose a store without % and line breaks in its name"
        )
    log.parent.mkdir(parents=True, exist_ok=True)
    logging.getLogger("submitit").setLevel(logging.ERROR)  # its warnings would get into the table
    submitit.SlurmJob.watcher = SlurmInfoWatcher(delay_s=ACCOUNTING_INTERVAL)
    executor = submitit.SlurmExecutor(tempfile.mkdtemp(prefix=f"{log.stem}-slurm-", dir=log.parent))
    executor.update_parameters(
        cpus_per_task=threads,
        setup=[f"export OMP_NUM_THREADS={threads}"],
        srun_args=[f"--cpus-per-task={threads}"],  # from Slurm 22.05 on, srun doesn't take this from sbatch
        additional_parameters={name: value or True for name, value in options.items()},
    )
    return executor


def _cancel(job: submitit.Job[None], *options: str) -> None:
    """Call scancel for a job; it doesn't matter if that has ended."""
    subprocess.run(["scancel", *options, job.job_id], capture_output=True, check=False)


def _terminate(job: submitit.Job[None]) -> None:
    """Ask a running job to save a checkpoint and end; one that Slurm has put back into the queue is cancelled."""
    _cancel(job, "--state=PENDING")
    _cancel(job, "--signal=TERM")
