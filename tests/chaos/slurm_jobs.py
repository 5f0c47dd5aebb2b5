"""Jobs of a Slurm cluster are stopped, killed and requeued, and their driver is interrupted and killed.

    python -m tests.chaos.slurm_jobs [--rounds 9] [--seed 0]

Needs `ganbench[slurm]` and a Slurm with accounting whose nodes see the temporary folder ($TMPDIR); one node will do.
Every run must exist once, with the numbers of a sweep in local processes, and no job may be left in the queue.
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
from pathlib import Path

from ganbench.runs.progress import PROGRESS_FILE
from tests.chaos.common import (
    RUNS,
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

NAME = f"ganbench-chaos-{os.getpid()}"
ACTIONS = {
    "stopped": ["scancel", "--signal=TERM"],
    "killed": ["scancel", "--signal=KILL"],
    "requeued": ["scontrol", "requeue"],
}


def jobs(states: str) -> list[str]:
    """The ids of this script's jobs in these states."""
    command = ["squeue", "--noheader", "--format=%i", f"--name={NAME}", f"--states={states}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=9)
    options.add_argument("--seed", type=int, default=0)
    args = options.parse_args()
    choices = random.Random(args.seed)
    endings: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as base:
        command = ["sweep", str(experiment_file(Path(base))), "--store", "store", "--threads", "1"]
        on_slurm = [*command, "--executor", "slurm", "--jobs", "2", "--slurm", f"job-name={NAME}", "--slurm", "requeue"]
        reference, folder = Path(base) / "whole", Path(base) / "slurm"
        reference.mkdir()
        folder.mkdir()
        assert finish(command, reference) == 0, (reference / "output.txt").read_text(encoding="utf-8")
        expected, _ = runs_in(reference / "store" / "mlflow.db")
        assert len(expected) == RUNS
        driver = start(on_slurm, folder)
        for number in range(args.rounds):
            begun = wait_for(lambda: list(folder.rglob(PROGRESS_FILE)) and jobs("RUNNING"), 120)
            if not begun or driver.poll() is not None:
                break
            time.sleep(choices.uniform(0, 3))
            for job in jobs("RUNNING")[:1]:
                action = list(ACTIONS)[number % len(ACTIONS)]
                subprocess.run([*ACTIONS[action], job], capture_output=True, check=False)
                endings[action] += 1
            if number == args.rounds // 3:
                driver.send_signal(signal.SIGINT)
                counts["wrong exit statuses"] += driver.wait() != 130
                counts["jobs after Ctrl-C"] += not wait_for(lambda: not jobs("PENDING,RUNNING,COMPLETING"), 60)
                endings["Ctrl-C"] += 1
                driver = start(on_slurm, folder)
            if number == 2 * args.rounds // 3:
                kill(driver.pid)  # its jobs go on, and the next driver meets them
                driver.wait()
                endings["driver killed"] += 1
                driver = start(on_slurm, folder)
        status = driver.wait()
        counts["jobs at the end"] += not wait_for(lambda: not jobs("PENDING,RUNNING,COMPLETING"), 60)
        actual, faults = runs_in(folder / "store" / "mlflow.db")
        output = (folder / "output.txt").read_text(encoding="utf-8")
        counts.update(faults)
        counts.update(differences(expected, actual))
        counts["sweeps that failed"] = int(status != 0)
        counts["tracebacks"] = output.count("Traceback")
        counts["temporary files"] = len(leftovers(folder))
        code = report("jobs of Slurm", dict(endings), dict(counts))
        if code:
            print(output[-3000:], leftovers(folder), actual.keys() ^ expected.keys())
    return code


if __name__ == "__main__":
    sys.exit(main())
