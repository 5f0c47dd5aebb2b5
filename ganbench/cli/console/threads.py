"""Wait policy of threads on a machine shared with other processes; chosen before torch is imported.

The threads of a matrix product wait for each other many times per step. Spinning, the default, is the fastest way to
wait as long as each thread has its own core; if another process occupies one of the cores, threads spin for one that
can't run. The wait policy doesn't change any number; the number of threads would.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

POLICIES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
"""If one of these environment variables is set, the user has chosen a policy."""
LOAD_SECONDS = 0.1
"""Seconds for which the machine's load is measured."""
BUSY = 0.5
"""With more cores than this in use by others, the machine counts as busy."""


def choose_waiting() -> None:
    """Let threads wait without spinning if other processes use the machine."""
    if not any(name in os.environ for name in POLICIES) and cores_in_use(LOAD_SECONDS) > BUSY:
        os.environ["OMP_WAIT_POLICY"] = "passive"


def cores_in_use(seconds: float) -> float:
    """Measure the mean number of cores used by other processes of normal priority; 0 if the system doesn't say."""
    if not hasattr(os, "sysconf"):  # Windows
        return 0.0
    ticks, cpu_seconds = _busy_ticks(), time.process_time()
    time.sleep(seconds)
    of_all = (_busy_ticks() - ticks) / os.sysconf("SC_CLK_TCK")
    of_this_process = time.process_time() - cpu_seconds
    return max(0.0, of_all - of_this_process) / seconds


def _busy_ticks() -> int:
    try:
        line = Path("/proc/stat").read_text(encoding="utf-8").partition("\n")[0]
    except OSError:
        return 0
    user, _nice, system, _idle, _waiting, interrupts, soft_interrupts, stolen = map(int, line.split()[1:9])
    return user + system + interrupts + soft_interrupts + stolen
