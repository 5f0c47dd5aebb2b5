"""The queue of a Slurm cluster, as squeue prints it."""

from __future__ import annotations

import os
import subprocess
import time

TIMEOUT = 60.0
"""Seconds after which a question to Slurm is given up."""


class GoneJobs:
    """The jobs that are neither queued nor running, as the queue tells: a cluster may have no accounting.

    A job counts as gone once it is missing at two looks, since its answer may take a while to be seen on this machine.

    Args:
        interval: seconds between two looks.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._due = time.monotonic() + interval
        self._missing: set[str] = set()

    def among(self, jobs: set[str]) -> set[str]:
        """Return those of some jobs that are gone; none between two looks at the queue."""
        if time.monotonic() < self._due:
            return set()
        self._due = time.monotonic() + self._interval
        queue = read_queue()
        missing = set() if queue is None else jobs - queue
        gone, self._missing = missing & self._missing, missing
        return gone


def read_queue() -> set[str] | None:
    """Read the ids of this user's jobs that are queued or running; None if Slurm doesn't say."""
    command = ["squeue", "--noheader", "--format=%A", f"--user={os.getuid()}"]
    try:
        listed = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, timeout=TIMEOUT)
    except (OSError, subprocess.SubprocessError):
        return None
    return set(listed.stdout.split())
