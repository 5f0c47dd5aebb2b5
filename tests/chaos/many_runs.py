"""A sweep of 2,000 tiny runs: what a run costs beside its training, whether memory stays flat, and `compare` on it.

    python -m tests.chaos.many_runs [--groups 200]

The overhead is the time of the whole sweep less that of training and scoring, which every run tracks, by run.
"""

from __future__ import annotations

import argparse
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from tests.chaos.common import children, finish, report, runs_in, start

SEEDS = 10
MAX_OVERHEAD = 0.3
"""Seconds of overhead a run."""
FILE = """
seeds = {seeds}
[base]
dataset = "ring:points=2000"
arch = "mlp:latent_dim=4,generator_widths=[8],critic_widths=[8]"
[base.train]
batch_size = 16
steps = 20
[base.evaluation]
every = 20
quick_samples = 500
samples = 500
[axes]
"train.critic_lr" = [{rates}]
"""


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--groups", type=int, default=200)
    groups = options.parse_args().groups
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        rates = ", ".join(f"{1e-4 * (number + 1):.4e}" for number in range(groups))
        (folder / "many.toml").write_text(FILE.format(seeds=SEEDS, rates=rates))
        began = time.monotonic()
        driver = start(["sweep", "many.toml", "--store", "store", "--jobs", "1"], folder)
        memory: list[tuple[int, float, float]] = []
        while driver.poll() is None:
            time.sleep(1)
            done = _groups_done(folder)
            if children(driver.pid):
                memory.append((done, _megabytes(driver.pid), _megabytes(children(driver.pid)[0])))
        seconds = time.monotonic() - began
        found, faults = runs_in(folder / "store" / "mlflow.db")
        with closing(sqlite3.connect(folder / "store" / "mlflow.db")) as store:
            # Training time of a run is its share of its group's.
            trained = store.execute("select sum(value) from metrics where key = 'train/seconds'").fetchone()[0]
        overhead = (seconds - trained) / len(found)
        began = time.monotonic()
        compared = finish(["compare", "--experiment", "many", "--store", "store", "--metric", "modes"], folder)
        comparing = time.monotonic() - began
        early, late = (_median_memory(memory, share) for share in (0.2, 0.9))
        faults["lost runs"] = groups * SEEDS - len(found)
        faults["compare failed"] = compared
        faults["overhead too large"] = int(overhead > MAX_OVERHEAD)
        faults["memory grows by a tenth"] = int(late[1] > 1.1 * early[1] or late[0] > 1.1 * early[0])
        did: dict[str, object] = {
            "seconds": f"{seconds:.0f}",
            "overhead a run": f"{overhead:.3f} s",
            "driver MB": f"{early[0]:.0f} → {late[0]:.0f}",
            "worker MB": f"{early[1]:.0f} → {late[1]:.0f}",
            "compare": f"{comparing:.1f} s",
        }
        return report(f"{len(found):,} runs", did, faults)


def _groups_done(folder: Path) -> int:
    told = re.findall(r"(\d+) of \d+ groups done", (folder / "output.txt").read_text())
    return int(told[-1]) if told else 0


def _median_memory(memory: list[tuple[int, float, float]], share: float) -> tuple[float, float]:
    """Of driver and worker around that share of the sweep."""
    last = max(done for done, _, _ in memory)
    near = sorted(memory, key=lambda each: abs(each[0] - share * last))[:9]
    driver, worker = (sorted(each[place] for each in near)[len(near) // 2] for place in (1, 2))
    return driver, worker


def _megabytes(pid: int) -> float:
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return int(told or 0) / 1024


if __name__ == "__main__":
    sys.exit(main())
