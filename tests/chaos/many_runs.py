"""A sweep of 2,000 tiny runs: overhead per run, memory over time, and `compare` on the result.

    python -m tests.chaos.many_runs [--groups 200]

The overhead is the processor time of the whole sweep minus the time of training, which every run tracks, per run. It is
set against the processor time that matplotlib and MLflow alone need for the same pictures, files and numbers, again and
again during the sweep: one machine takes twice as long as another for either, and as itself at another time.
"""

from __future__ import annotations

import argparse
import re
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import fmean

from tests.chaos.common import children, finish, report, runs_in, start
from tests.chaos.plain_tracking import seconds_per_run

SEEDS = 10
YARDSTICKS = 20
"""How often the libraries alone are measured during the sweep."""
MAX_OVERHEAD = 1.5
"""Allowed overhead per run, in what the libraries alone need."""
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
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base)
        rates = ", ".join(f"{1e-4 * (number + 1):.4e}" for number in range(groups))
        (folder / "many.toml").write_text(FILE.format(seeds=SEEDS, rates=rates))
        start_time, processor_before = time.monotonic(), _processor_seconds()
        driver = start(["sweep", "many.toml", "--store", "store", "--jobs", "1"], folder)
        memory: list[tuple[int, float, float]] = []
        alone: list[float] = []
        while driver.poll() is None:
            time.sleep(1)
            groups_done = _groups_done(folder)
            if children(driver.pid):
                memory.append((groups_done, _megabytes(driver.pid), _megabytes(children(driver.pid)[0])))
            if groups_done * YARDSTICKS >= len(alone) * groups:
                alone.append(_seconds_alone())
        seconds, processor = time.monotonic() - start_time, _processor_seconds() - processor_before
        runs, faults = runs_in(folder / "store" / "mlflow.db")
        with closing(sqlite3.connect(folder / "store" / "mlflow.db")) as store:
            # The training time of a run is its share of that of its group.
            trained = store.execute("select sum(value) from metrics where key = 'train/seconds'").fetchone()[0]
        overhead = (processor - trained) / len(runs)
        share = overhead / fmean(alone)
        start_time = time.monotonic()
        compared = finish(["compare", "--experiment", "many", "--store", "store", "--metric", "modes"], folder)
        comparing = time.monotonic() - start_time
        early, late = (_median_memory(memory, part) for part in (0.2, 0.9))
        faults["lost runs"] = groups * SEEDS - len(runs)
        faults["compare failed"] = compared
        faults["overhead too large"] = int(share > MAX_OVERHEAD)
        faults["memory grows by a tenth"] = int(late[1] > 1.1 * early[1] or late[0] > 1.1 * early[0])
        actions: dict[str, object] = {
            "seconds": f"{seconds:.0f}",
            "overhead per run": f"{overhead:.3f} s of a processor",
            "of the libraries alone": f"{share:.2f} × ({min(alone):.3f} to {max(alone):.3f} s)",
            "driver MB": f"{early[0]:.0f} → {late[0]:.0f}",
            "worker MB": f"{early[1]:.0f} → {late[1]:.0f}",
            "compare": f"{comparing:.1f} s",
        }
        return report(f"{len(runs):,} runs", actions, faults)


def _processor_seconds() -> float:
    """What all processes have used that this one started and saw the end of."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _seconds_alone() -> float:
    with tempfile.TemporaryDirectory() as folder:
        return seconds_per_run(Path(folder))


def _groups_done(folder: Path) -> int:
    counts = re.findall(r"(\d+) of \d+ groups done", (folder / "output.txt").read_text())
    return int(counts[-1]) if counts else 0


def _median_memory(memory: list[tuple[int, float, float]], share: float) -> tuple[float, float]:
    """Median memory of driver and worker around that share of the sweep."""
    last = max(groups_done for groups_done, _, _ in memory)
    nearest = sorted(memory, key=lambda entry: abs(entry[0] - share * last))[:9]
    driver, worker = (sorted(entry[column] for entry in nearest)[len(nearest) // 2] for column in (1, 2))
    return driver, worker


def _megabytes(pid: int) -> float:
    output = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return int(output or 0) / 1024


if __name__ == "__main__":
    sys.exit(main())
