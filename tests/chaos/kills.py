"""SIGKILL of the driver, of a worker, and of both, at random moments of a sweep of 24 runs.

    python -m tests.chaos.kills [--kills 30] [--seed 0]

Afterwards the sweep is run to its end: every run must be there once, with the numbers of an uninterrupted sweep.
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

A_SWEEP = 6
"""Kills before a sweep is brought to its end, and another begins: with more, little would be left to kill."""
LONGEST = 16.0
"""Seconds between a start and a kill, at most: an uninterrupted sweep takes about twice as long."""


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=30)
    options.add_argument("--seed", type=int, default=0)
    asked = options.parse_args()
    chance = random.Random(asked.seed)
    faults: Counter[str] = Counter()
    killed: Counter[str] = Counter()
    moments: list[float] = []
    with tempfile.TemporaryDirectory() as place:
        whole = Path(place) / "whole"
        whole.mkdir()
        command = ["sweep", str(experiment_file(Path(place))), "--store", "store", "--jobs", "2"]
        began = time.monotonic()
        if finish(command, whole):
            print((whole / "output.txt").read_text())
            return 1
        print(f"uninterrupted: {time.monotonic() - began:.0f} s")
        expected, broken = runs_in(whole / "store" / "mlflow.db")
        assert len(expected) == RUNS, f"{len(expected)} runs"
        faults.update(broken)
        sweeps = 0
        while sum(killed.values()) < asked.kills:
            sweeps += 1
            folder = Path(place) / f"killed-{sweeps}"
            folder.mkdir()
            for _ in range(min(A_SWEEP, asked.kills - sum(killed.values()))):
                driver = start(command, folder)
                moment = chance.uniform(0.5, LONGEST)
                time.sleep(moment)
                who = chance.choice(["driver", "worker", "both"])
                workers = [pid for pid in children(driver.pid) if who != "driver"]
                victims = [chance.choice(workers)] if who == "worker" and workers else workers
                victims += [driver.pid] if who != "worker" else []
                # What came to its end, or had no worker yet, is not counted as killed.
                dead = [kill(pid) for pid in victims if driver.poll() is None]
                if dead and all(dead):
                    killed[who] += 1
                    moments.append(moment)
                if who == "worker":
                    time.sleep(chance.uniform(1, 5))  # it is replaced; then the driver goes too
                    kill(driver.pid)
                driver.wait()
            status = finish(command, folder)
            faults["sweeps that failed"] += status != 0
            found, broken = runs_in(folder / "store" / "mlflow.db")
            faults.update(broken)
            faults.update(differences(expected, found))
            faults["temporary files"] += len(leftovers(folder))
            if status or leftovers(folder):
                print((folder / "output.txt").read_text()[-3000:], leftovers(folder))
    did = {**killed, "sweeps": sweeps, "at seconds": " ".join(f"{moment:.1f}" for moment in sorted(moments))}
    return report(f"{sum(killed.values())} kills", did, {name: faults[name] for name in faults})


if __name__ == "__main__":
    sys.exit(main())
