"""Shared by the scripts: a small sweep, the command as a process, and the content of a store, read by SQL."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from ganbench.tracking.mlflow.beside_scores import with_numbers_beside

GROUPS, SEEDS = 6, 4
RUNS = GROUPS * SEEDS
FILE = f"""
question = "Does anything get lost?"
seeds = {SEEDS}
[base]
dataset = "ring:points=2000"
arch = "mlp:latent_dim=4,generator_widths=[16],critic_widths=[16]"
[base.train]
batch_size = 32
steps = 600
[base.evaluation]
every = 100
quick_samples = 500
samples = 1000
[axes]
loss = ["minimax", "non-saturating", "hinge"]
"train.n_critic" = [1, 2]
"""
SMALL = FILE.replace('["minimax", "non-saturating", "hinge"]', '["minimax", "hinge"]').replace("= 600", "= 300")
"""The same with fewer groups and steps, for scripts that run it many times; most of its time is what starting takes."""
SMALL_RUNS = 4 * SEEDS
TIMES = "train/seconds"

Numbers = dict[str, tuple[str, dict[tuple[str, int], float]]]
"""For each run id, the status of the run and its numbers by (metric, step)."""


def experiment_file(folder: Path, text: str = FILE) -> Path:
    """Write the small sweep to a file."""
    path = folder / "chaos.toml"
    path.write_text(text)
    return path


def start(arguments: Sequence[str], folder: Path, **environment: str) -> subprocess.Popen[str]:
    """Start `ganbench …` in a folder, with its own state folder, one thread per process, and a log."""
    settings = {"OMP_NUM_THREADS": "1", "XDG_STATE_HOME": str(folder / "state"), **environment}
    with (folder / "output.txt").open("a") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "ganbench", *arguments],
            cwd=folder,
            env={**os.environ, **settings},
            stdout=log,
            stderr=log,
            text=True,
        )


def finish(arguments: Sequence[str], folder: Path, **environment: str) -> int:
    """Run `ganbench …` to its end, and return its exit status."""
    return start(arguments, folder, **environment).wait()


def children(pid: int) -> list[int]:
    """The child processes of a process."""
    output = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(line) for line in output.split()]


def kill(pid: int) -> bool:
    """Send SIGKILL; return whether the process existed."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def runs_in(database: Path) -> tuple[Numbers, dict[str, int]]:
    """Read a SQLite store by SQL: its runs, and the faults duplicate runs, duplicate numbers and runs left RUNNING."""
    with closing(sqlite3.connect(database)) as store:
        tags: dict[str, dict[str, str]] = {}
        for run, key, value in store.execute("select run_uuid, key, value from tags where key like 'ganbench.%'"):
            tags.setdefault(run, {})[key] = value
        states = dict(store.execute("select run_uuid, status from runs where lifecycle_stage = 'active'"))
        rows = store.execute("select run_uuid, key, step, value from metrics").fetchall()
    seeds = {
        run: values["ganbench.run"]
        for run, values in tags.items()
        if values.get("ganbench.kind") == "seed" and run in states
    }
    runs: Numbers = {seeds[run]: (tags[run]["ganbench.status"], {}) for run in seeds}
    for run, key, step, value in rows:
        if run in seeds and key != TIMES:
            runs[seeds[run]][1][key, step] = value
    for run, run_id in seeds.items():
        beside = with_numbers_beside([], tags[run], history=True)
        runs[run_id][1].update({(key, step): value for key, step, value in beside})
    row_counts = Counter((run, key, step) for run, key, step, _ in rows)
    faults = {
        "duplicate runs": len(seeds) - len(set(seeds.values())),
        "duplicate numbers": sum(count > 1 for count in row_counts.values()),
        "left RUNNING": sum(status == "RUNNING" for status in states.values()),
    }
    return runs, faults


def leftovers(folder: Path) -> list[str]:
    """Files that only an interrupted process leaves behind."""
    names = ("*.safetensors", "*.older", ".part-*", "progress.json", "entries.jsonl")
    checkpoints = [path for name in names for path in folder.rglob(name) if "artifacts" not in path.parts]
    return [str(path.relative_to(folder)) for path in checkpoints]


def differences(expected: Numbers, actual: Numbers) -> dict[str, int]:
    """Numbers of lost and unexpected runs, different statuses, and numbers that are lost or not equal bit for bit."""
    shared = expected.keys() & actual.keys()
    return {
        "lost runs": len(expected.keys() - actual.keys()),
        "unexpected runs": len(actual.keys() - expected.keys()),
        "different statuses": sum(expected[run][0] != actual[run][0] for run in shared),
        "lost numbers": sum(len(expected[run][1].keys() - actual[run][1].keys()) for run in shared),
        "different numbers": sum(
            value != actual[run][1].get(key, value) for run in shared for key, value in expected[run][1].items()
        ),
    }


def report(title: str, actions: dict[str, object], faults: dict[str, int]) -> int:
    """Print the actions and the faults; return the exit status."""
    print(f"{title}: {', '.join(f'{name} {value}' for name, value in actions.items())}")
    print("   " + ", ".join(f"{name} {count}" for name, count in faults.items()), flush=True)
    return int(any(faults.values()))


def wait_for(condition: object, seconds: float) -> bool:
    """Wait until a condition (a function) is true; return whether it became true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if callable(condition) and condition():
            return True
        time.sleep(0.1)
    return False
