"""Execution of tasks on a Ray cluster, which handles fractions of GPUs and the loss of nodes.

A task that is restarted on another node resumes from its checkpoint if the nodes share a file system (put
$XDG_STATE_HOME or the store there), and otherwise starts over; its results are the same and count once either way.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ganbench.core.errors import GanbenchError
from ganbench.core.output_encoding import spell_unencodable_output
from ganbench.runs.cores import divide
from ganbench.runs.executors.base import TRIES
from ganbench.runs.task import Task, TaskResult, from_plain, perform, plain

try:
    import ray
    from ray.exceptions import RayError
except ImportError as error:
    raise GanbenchError("--executor ray needs Ray: pip install 'ganbench[ray]'") from error


class Ray:
    """A Ray cluster as an executor.

    Args:
        jobs: number of concurrent tasks; by default one per share of a GPU, or what `divide` says of all nodes.
        gpus: fraction of a GPU for each task.
        address: address of the cluster; by default one running on this machine, else a new one.
        threads: threads and cores of each task; by default the cores divided by the number of tasks.
        groups: number of groups to train.
    """

    def __init__(
        self,
        jobs: int | None,
        gpus: float,
        address: str | None,
        threads: int | None = None,
        groups: float = math.inf,
    ) -> None:
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        try:
            ray.init(address=address or _running_cluster(), log_to_driver=False, configure_logging=False)
        except (RayError, ConnectionError, RuntimeError, ValueError) as error:
            raise GanbenchError(f"no Ray cluster at {address}: {str(error).partition(chr(10))[0]}") from error
        resources = ray.cluster_resources()
        cores = int(resources.get("CPU", 1))
        on_gpus = int(resources.get("GPU", 0) / gpus) if gpus else 0
        if gpus and not on_gpus:
            ray.shutdown()
            raise GanbenchError(f"the Ray cluster has {resources.get('GPU', 0):g} GPUs: too few for --gpus {gpus:g}")
        memory = resources.get("memory", math.inf)
        self.jobs, threads = divide(jobs or on_gpus, threads, cores=cores, memory=memory, groups=groups)
        environment = {"OMP_NUM_THREADS": str(threads)}
        environment |= {name: value for name, value in os.environ.items() if name.startswith(("MLFLOW_", "GANBENCH_"))}
        self._remote = ray.remote(_perform).options(
            num_cpus=threads, num_gpus=gpus, max_retries=TRIES, runtime_env={"env_vars": environment}
        )
        self._waiting: deque[Task] = deque()
        self._running_groups: dict[Any, str] = {}

    def submit(self, task: Task) -> None:
        self._waiting.append(task)
        self._submit_waiting()

    def wait(self, seconds: float) -> Sequence[TaskResult]:
        if not self._running_groups:
            time.sleep(seconds)
            return []
        ready, _ = ray.wait(list(self._running_groups), num_returns=1, timeout=seconds)
        results = [self._result(reference, self._running_groups.pop(reference)) for reference in ready]
        self._submit_waiting()
        return results

    def stop(self) -> set[str]:
        self._waiting.clear()
        for reference in self._running_groups:
            ray.cancel(reference)  # raises KeyboardInterrupt there
        return set(self._running_groups.values())

    def close(self) -> None:
        ray.shutdown()

    def _submit_waiting(self) -> None:
        while self._waiting and len(self._running_groups) < self.jobs:
            task = self._waiting.popleft()
            self._running_groups[self._remote.remote(asdict(task))] = task.group

    def _result(self, reference: Any, group: str) -> TaskResult:
        try:
            return from_plain(ray.get(reference))
        except ray.exceptions.TaskCancelledError:
            return TaskResult(group)
        except RayError as error:
            return TaskResult(group, error=str(error).partition("\n")[0])


def _perform(values: dict[str, Any]) -> dict[str, Any]:
    """Perform a task in a Ray process."""
    spell_unencodable_output()
    return plain(perform(Task(**values), threading.Event()))


def _running_cluster() -> str | None:
    """Return the address of a cluster running on this machine; None starts a new one."""
    try:
        ray.init(address="auto", log_to_driver=False, configure_logging=False)
    except ConnectionError:
        return None
    ray.shutdown()
    return "auto"
