"""SIGKILL of the driver, of a worker, and of both, at random moments of a sweep of 24 runs.

    python -m tests.chaos.kills [--kills 30] [--seed 0]

Afterwards the sweep is run to its end: every run must exist once, with the numbers of an uninterrupted sweep.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.chaos.common import (
    RUNS,
    children,
    differences,
    experiment_file,
    finish,
    kill,
    leftovers,
    report,
    runs_in,
    start,
)

KILLS_PER_SWEEP = 6
"""Kills before a sweep is run to its end and another one is started; with more, little would be left to kill."""
MAX_DELAY = 16.0
"""The most seconds between a start and a kill; an uninterrupted sweep takes about twice as long."""


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=30)
    options.add_argument("--seed", type=int, default=0)
    args = options.parse_args()
    random_generator = random.Random(args.seed)
    faults: Counter[str] = Counter()
    killed: Counter[str] = Counter()
    delays: list[float] = []
    with tempfile.TemporaryDirectory() as base:
        reference = Path(base) / "whole"
        reference.mkdir()
        command = ["sweep", str(experiment_file(Path(base))), "--store", "store", "--jobs", "2"]
        start_time = time.monotonic()
        if finish(command, reference):
            print((reference / "output.txt").read_text())
            return 1
        print(f"uninterrupted: {time.monotonic() - start_time:.0f} s")
        expected, store_faults = runs_in(reference / "store" / "mlflow.db")
        assert len(expected) == RUNS, f"{len(expected)} runs"
        faults.update(store_faults)
        sweeps = 0
        while sum(killed.values()) < args.kills:
            sweeps += 1
            folder = Path(base) / f"killed-{sweeps}"
            folder.mkdir()
            for _ in range(min(KILLS_PER_SWEEP, args.kills - sum(killed.values()))):
                driver = start(command, folder)
                delay = random_generator.uniform(0.5, MAX_DELAY)
                time.sleep(delay)
                target = random_generator.choice(["driver", "worker", "both"])
                workers = [pid for pid in children(driver.pid) if target != "driver"]
                victims = [random_generator.choice(workers)] if target == "worker" and workers else workers
                victims += [driver.pid] if target != "worker" else []
                # A sweep that has ended, or has no worker yet, is not counted as killed.
                kill_results = [kill(pid) for pid in victims if driver.poll() is None]
                if kill_results and all(kill_results):
                    killed[target] += 1
                    delays.append(delay)
                if target == "worker":
                    time.sleep(random_generator.uniform(1, 5))  # the worker is replaced; then the driver is killed, too
                    kill(driver.pid)
                driver.wait()
            status = finish(command, folder)
            faults["sweeps that failed"] += status != 0
            actual, store_faults = runs_in(folder / "store" / "mlflow.db")
            faults.update(store_faults)
            faults.update(differences(expected, actual))
            faults["temporary files"] += len(leftovers(folder))
            if status or leftovers(folder):
                print((folder / "output.txt").read_text()[-3000:], leftovers(folder))
    actions = {**killed, "sweeps": sweeps, "at seconds": " ".join(f"{delay:.1f}" for delay in sorted(delays))}
    return report(f"{sum(killed.values())} kills", actions, {name: faults[name] for name in faults})


if __name__ == "__main__":
    sys.exit(main())
