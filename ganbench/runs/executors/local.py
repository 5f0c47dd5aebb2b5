"""Process pool on this machine: a few processes that share a CPU's cores, or one or more per GPU."""

from __future__ import annotations

import json
import math
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import torch

from ganbench.core.plain_text import without_control
from ganbench.runs.cores import divide, own_cores, own_memory
from ganbench.runs.executors.base import TRIES
from ganbench.runs.task import Task, TaskResult, from_plain

LONGEST_LINE = 1 << 20
"""Bytes of a result; it is far shorter, but a plug-in may write into the pipe as well."""
GRACE = 30.0
"""Seconds that a worker without a task has to exit."""
ORPHAN_GRACE = 120.0
"""Seconds that a worker has to save its work and exit after this process was killed; an evaluation may have to end."""


class Local:
    """Worker processes, each of which performs one task after another.

    A worker that dies, from a signal or for lack of memory, is replaced, and its task is restarted.

    Args:
        jobs: number of processes; by default one per GPU, or what `divide` says.
        device: `cpu` or `cuda`.
        log: file for the workers' output; it is removed if there is none.
        threads: threads of each process; by default as many as $OMP_NUM_THREADS says, or its share of the cores.
        groups: number of groups to train.
    """

    def __init__(
        self, jobs: int | None, device: str, log: Path, threads: int | None = None, groups: float = math.inf
    ) -> None:
        self._gpus = _gpus() if device == "cuda" else []
        self.jobs, self._threads = divide(
            jobs or len(self._gpus), threads, cores=own_cores(), memory=own_memory(), groups=groups
        )
        self._log = log
        self._waiting: deque[Task] = deque()
        self._tries: dict[str, int] = {}
        self._workers: list[_Worker | None] = [None] * self.jobs
        self._messages: queue.Queue[tuple[_Worker, bytes]] = queue.Queue()
        self._stopping = False

    def submit(self, task: Task) -> None:
        self._waiting.append(task)
        self._assign_tasks()

    def wait(self, seconds: float) -> Sequence[TaskResult]:
        results: list[TaskResult] = []
        try:
            worker, line = self._messages.get(timeout=seconds)
            while True:
                results += self._results_of(worker, line)
                worker, line = self._messages.get_nowait()
        except queue.Empty:
            pass
        self._assign_tasks()
        return results

    def stop(self) -> set[str]:
        self._stopping = True
        self._waiting.clear()
        for worker in filter(None, self._workers):
            worker.release()
        return {worker.task.group for worker in filter(None, self._workers) if worker.task is not None}

    def close(self) -> None:
        for worker in filter(None, self._workers):
            worker.end(kill=worker.task is not None)
        self._workers = [None] * self.jobs
        if self._log.exists() and not self._log.stat().st_size:
            self._log.unlink()

    def _assign_tasks(self) -> None:
        """Assign waiting tasks to idle workers."""
        for slot, worker in enumerate(self._workers):
            if not self._waiting or self._stopping:
                return
            if worker is None or worker.task is None:
                task = self._waiting.popleft()
                self._tries[task.group] = self._tries.get(task.group, 0) + 1
                (worker or self._start(slot)).give(task)

    def _start(self, slot: int) -> _Worker:
        environment = {**os.environ, "OMP_NUM_THREADS": str(self._threads)}
        if self._gpus:
            environment["CUDA_VISIBLE_DEVICES"] = self._gpus[slot % len(self._gpus)]
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            worker = _Worker(environment, log, self._messages)
        self._workers[slot] = worker
        return worker

    def _results_of(self, worker: _Worker, line: bytes) -> list[TaskResult]:
        if line:
            return self._result_from(worker, line)
        # The worker has exited.
        if worker in self._workers:
            self._workers[self._workers.index(worker)] = None
        status, task = worker.end(kill=False), worker.task
        if task is None:
            return []
        if self._stopping:
            return [TaskResult(task.group)]
        if self._tries[task.group] < TRIES:
            self._waiting.appendleft(task)
            return []
        del self._tries[task.group]
        last_death = f"signal {-status}" if status < 0 else f"exit status {status}"
        return [
            TaskResult(task.group, error=f"its process died {TRIES} times, at last by {last_death}; see {self._log}")
        ]

    def _result_from(self, worker: _Worker, line: bytes) -> list[TaskResult]:
        task = worker.task
        if task is None:
            return []  # written by something else: nothing was asked
        self._tries.pop(task.group, None)
        try:
            result = from_plain(json.loads(line))
            if result.group != task.group:
                raise ValueError(result.group)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            # What the process writes next can't be told from results either: another one takes its place.
            worker.task = None
            worker.end(kill=True)
            self._workers[self._workers.index(worker)] = None
            return [TaskResult(task.group, error=f"a plug-in wrote into the pipe of results: '{_shown(line)}'")]
        worker.task = None
        return [result]


class _Worker:
    """A process that reads tasks and writes results, one per line."""

    def __init__(
        self, environment: Mapping[str, str], log: BinaryIO, messages: queue.Queue[tuple[_Worker, bytes]]
    ) -> None:
        self.task: Task | None = None
        # In its own session: Ctrl-C in the terminal reaches the sweep's process only, which then stops the workers.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ganbench.runs.executors.worker", str(os.getpid()), str(ORPHAN_GRACE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
            start_new_session=True,
        )
        threading.Thread(target=self._listen, args=(messages,), daemon=True).start()

    def give(self, task: Task) -> None:
        self.task = task
        assert self._process.stdin is not None
        with suppress(OSError):  # it may have just died, which will be noticed next
            self._process.stdin.write(json.dumps(asdict(task)).encode() + b"\n")
            self._process.stdin.flush()

    def release(self) -> None:
        """Send no more tasks: the worker stops its current one as soon as it can, and exits."""
        assert self._process.stdin is not None
        with suppress(OSError):  # it may have exited already
            self._process.stdin.close()

    def end(self, *, kill: bool) -> int:
        """Wait for the process to exit, and return its exit status."""
        self.release()
        if not kill:
            with suppress(subprocess.TimeoutExpired):
                return self._process.wait(GRACE)
        self._process.kill()
        return self._process.wait()

    def _listen(self, messages: queue.Queue[tuple[_Worker, bytes]]) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            while line := lines.readline(LONGEST_LINE):
                messages.put((self, line))
        messages.put((self, b""))


def _shown(line: bytes) -> str:
    return without_control(line[:60].decode(errors="replace"))


def _gpus() -> list[str]:
    """Return the GPUs that this process may use, named as in CUDA_VISIBLE_DEVICES."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return visible.split(",") if visible else [str(number) for number in range(torch.cuda.device_count())]
