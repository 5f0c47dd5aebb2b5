"""Preemption as by Slurm: SIGTERM to all processes of a sweep, SIGKILL after a short grace, the same command again.

    python -m tests.chaos.preemption [--rounds 5] [--grace 3] [--seed 0]

At the end every run must exist once, with the numbers of an uninterrupted sweep.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from tests.chaos.common import (
    SMALL,
    SMALL_RUNS,
    children,
    differences,
    experiment_file,
    finish,
    kill,
    leftovers,
    report,
    runs_in,
    start,
    wait_for,
)


def preempt(driver: subprocess.Popen[str], grace: float) -> str:
    """End a job as Slurm does; return how it ended."""
    processes = [driver.pid, *children(driver.pid)]
    if driver.poll() is not None:
        return "finished"
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGTERM)
    ended = wait_for(lambda: driver.poll() is not None, grace)
    for process in {*processes, *children(driver.pid)}:
        if process != driver.pid or not ended:
            kill(process)
    driver.wait()
    return "stopped" if ended else "killed"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--grace", type=float, default=3.0)
    options.add_argument("--seed", type=int, default=0)
    args = options.parse_args()
    delays = random.Random(args.seed)
    endings: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as base:
        command = ["sweep", str(experiment_file(Path(base), SMALL)), "--store", "store", "--jobs", "2"]
        reference, folder = Path(base) / "whole", Path(base) / "preempted"
        reference.mkdir()
        folder.mkdir()
        began = time.monotonic()
        assert finish(command, reference) == 0, (reference / "output.txt").read_text(encoding="utf-8")
        whole = time.monotonic() - began
        expected, _ = runs_in(reference / "store" / "mlflow.db")
        assert len(expected) == SMALL_RUNS
        for _ in range(args.rounds):
            driver = start(command, folder)
            time.sleep(delays.uniform(0.3, 0.6) * whole)
            # Half of the jobs get too little time to save their work.
            endings[preempt(driver, args.grace * delays.choice([0.1, 1]))] += 1
        status = finish(command, folder)
        actual, faults = runs_in(folder / "store" / "mlflow.db")
        output = (folder / "output.txt").read_text(encoding="utf-8")
        counts = Counter(faults)
        counts.update(differences(expected, actual))
        counts["sweeps that failed"] = int(status != 0)
        counts["tracebacks"] = output.count("Traceback")
        counts["temporary files"] = len(leftovers(folder))
        code = report("preempted", {**endings, "uninterrupted": f"{whole:.0f} s"}, dict(counts))
        if code:
            print(output[-3000:], leftovers(folder))
    return code


if __name__ == "__main__":
    sys.exit(main())
