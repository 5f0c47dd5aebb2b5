"""How threads wait for each other on a machine that others use too; chosen before torch is imported.

The threads of a matrix product wait for each other many times in a step. Spinning, the default, is the fastest way to
wait as long as each thread has a core of its own; where another process has one of the cores, a thread spins for one
that can't run. How threads wait changes no number; how many there are would.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

POLICIES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
"""With one of these set, whoever starts us has chosen."""
LOOK = 0.1
"""Seconds for which the machine is looked at."""
BUSY = 0.5
"""Cores in use by others from which the machine counts as busy."""


def choose_waiting() -> None:
    """Let threads wait without spinning where others use the machine."""
    if not any(name in os.environ for name in POLICIES) and cores_in_use(LOOK) > BUSY:
        os.environ["OMP_WAIT_POLICY"] = "passive"


def cores_in_use(seconds: float) -> float:
    """Cores that other processes of normal priority use, over some time; 0 where the system doesn't say."""
    before, own = _busy_ticks(), time.process_time()
    time.sleep(seconds)
    after, mine = _busy_ticks(), time.process_time() - own
    return max(0.0, (after - before) / os.sysconf("SC_CLK_TCK") - mine) / seconds


def _busy_ticks() -> int:
    try:
        line = Path("/proc/stat").read_text().partition("\n")[0]
    except OSError:
        return 0
    user, _nice, system, _idle, _waiting, interrupts, soft_interrupts, stolen = map(int, line.split()[1:9])
    return user + system + interrupts + soft_interrupts + stolen
