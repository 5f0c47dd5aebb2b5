"""Free memory: asked before samples are copied, since a process that takes more is ended without a word."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from pathlib import Path

from ganbench.core.errors import GanbenchError

MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")
"""The limits of this container, where there is one."""


def check_memory(size: int) -> None:
    """Check that a copy of samples fits into memory.

    Raises:
        GanbenchError: it takes more than is free.
    """
    free = free_memory()
    if size > free:
        raise GanbenchError(
            f"the samples take {size / 2**30:.2g} GiB as float32, but only {free / 2**30:.2g} GiB of memory are free: "
            f"give fewer samples, or free some memory"
        )


def free_memory() -> float:
    """Bytes that can be taken without swapping; infinite if the system doesn't say."""
    free = math.inf
    with suppress(OSError, ValueError):
        free = _number(MEMINFO, r"MemAvailable:\s+(\d+) kB") * 1024
    with suppress(OSError, ValueError):  # no limit reads "max"
        unused = _number(CGROUP / "memory.max", r"(\d+)") - _number(CGROUP / "memory.current", r"(\d+)")
        free = min(free, unused + _number(CGROUP / "memory.stat", r"(?m)^inactive_file (\d+)"))
    return free


def _number(path: Path, pattern: str) -> int:
    match = re.search(pattern, path.read_text(encoding="utf-8"))
    if match is None:
        raise ValueError(f"no {pattern} in {path}")
    return int(match[1])
