"""Division of a machine's cores among the processes that train at once."""

from __future__ import annotations

import os

MEMORY_A_JOB = 3 << 30
"""Bytes that a process may need: 1.4 GiB for MNIST, and more while it scores many samples."""


def divide(jobs: int | None, threads: int | None, *, cores: int, memory: float, groups: float) -> tuple[int, int]:
    """Choose the number of processes and of threads of each, where they aren't given.

    By default each process has one thread: threads of one step wait for each other, and processes don't. There are no
    more of them than cores, than groups to train, or than fit into memory, and the cores left over are divided.

    Args:
        threads: those of each process; by default $OMP_NUM_THREADS.
        memory: in bytes.
    """
    from_environment = os.environ.get("OMP_NUM_THREADS", "")
    threads = threads or (int(from_environment) if from_environment.isdigit() else 0)
    if not jobs:
        jobs = int(max(1, min(cores // (threads or 1), groups, memory // MEMORY_A_JOB)))
    return jobs, threads or max(1, cores // jobs)


def own_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def own_memory() -> float:
    """Return the size of this machine's memory, in bytes; infinite if it isn't known."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf, other systems not these names
        return float("inf")
