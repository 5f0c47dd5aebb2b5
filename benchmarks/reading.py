"""Time and memory of `ganbench compare` and `ganbench report` on a store of ten thousand runs."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.measure import Row, Setting
from ganbench.tracking import RunInfo
from ganbench.tracking.mlflow.tracker import MlflowTracker
from ganbench.tracking.store import find_store

RUNS = 10_000
METHODS = 20
STEPS = (1_000, 2_000, 3_000, 4_000)
"""Steps of evaluations: quick ones, and a full one at the last."""


WATCH = """
import os, subprocess, sys, time
began = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(process.pid, 0)
print(time.perf_counter() - began, used.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""A small intermediate process, since the reported memory of a child is at least that of its parent."""


def reading(setting: Setting) -> Iterator[Row]:
    """Times of whole processes on a synthetic store: twenty methods with five hundred seeds each."""
    rounds = setting.rounds
    with tempfile.TemporaryDirectory() as folder:
        numbers = make_store(Path(folder) / "store")
        for command in (["compare"], ["report", "--out", f"{folder}/reports"]):
            measured = [_measure_command([*command, "--store", f"{folder}/store"]) for _ in range(rounds)]
            memory = max(peak for _, peak in measured)
            detail = f"{numbers:,} tracked numbers; at most {memory / 1e6:,.0f} MB of memory"
            yield Row(
                f"ganbench {command[0]}, {RUNS:,} runs", "≤", 10.0, [duration for duration, _ in measured], "s", detail
            )


def make_store(folder: Path) -> int:
    """Write one run normally, copy it with other names and values, and return the number of tracked numbers."""
    store = find_store(str(folder))
    tracker = MlflowTracker(store, "ganbench")
    params = {"loss": "minimax", "arch": "mlp", "dataset": "mnist", "protocol": "ganbench-1", "train.batch_size": 64}
    options = {f"train.option_{number}": number for number in range(20)}
    tags = {
        "device": "cpu (2 threads)",
        "commit": "0000000000",
        "protocol": "ganbench-1 v1",
        "cost-of-step/images": "64",
    }
    group = RunInfo("group", "a group", params, {})
    log = tracker.open(RunInfo("0" * 12, "seed 0", {**params, **options, "seed": 0}, {**tags, "seed": "0"}), group)
    digits = {f"{kind}/{digit}": 0.1 for kind in ("mode", "good") for digit in range(10)}
    scores = {"fid": 1.0, "modes": 10.0, "modes_strict": 10.0, "hq": 0.9, "kl": 0.1}
    bounds = {f"floor/{name}": value for name, value in scores.items()} | {
        "ceiling/modes": 10.0,
        "ceiling/modes_strict": 10.0,
    }
    for step in STEPS:
        log.metrics(step, {f"quick/{name}": value for name, value in (scores | {"sample_count": 2000.0}).items()})
        log.metrics(step, {"train/seconds": 1.0, "train/critic_fake": 0.5, "train/generator_gradient": 1.0})
    log.metrics(STEPS[-1], scores | bounds | digits | {"sample_count": 10_000.0})
    log.finish("finished", STEPS[-1])
    with closing(sqlite3.connect(store.database)) as connection:
        _copy(connection)
        return int(connection.execute("select count(*) from metrics").fetchone()[0])


def _copy(connection: sqlite3.Connection) -> None:
    random_generator = random.Random(0)
    (original,) = (
        run for (run,) in connection.execute("select run_uuid from tags where key = 'ganbench.kind' and value = 'seed'")
    )
    for table in ("runs", "tags", "params", "metrics", "latest_metrics"):
        columns = [row[1] for row in connection.execute(f"pragma table_info({table})")]
        rows = connection.execute(f"select * from {table} where run_uuid = ?", (original,)).fetchall()
        copies = []
        for number in range(1, RUNS):
            new = {
                "ganbench.run": f"{number:012x}",
                "ganbench.seed": str(number // METHODS),
                "seed": str(number // METHODS),
            }
            new |= {"ganbench.group": f"group{number % METHODS}", "train.option_7": str(number % METHODS)}
            for row in rows:
                cells = dict(zip(columns, row, strict=True)) | {"run_uuid": f"{number:032x}"}
                if table in ("tags", "params"):
                    cells["value"] = new.get(cells["key"], cells["value"])
                elif table != "runs" and "count" not in cells["key"]:
                    cells["value"] = round(
                        cells["value"] * random_generator.uniform(0.5, 1.0 + number % METHODS / 20), 6
                    )
                copies.append(tuple(cells.values()))
        connection.executemany(f"insert into {table} values ({', '.join('?' * len(columns))})", copies)
    connection.commit()


def _measure_command(args: list[str]) -> tuple[float, float]:
    """Return the seconds and the peak memory in bytes of a command."""
    command = [sys.executable, "-c", WATCH, sys.executable, "-m", "ganbench", *args]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode:
        raise SystemExit(f"ganbench {args[0]} ended with status {result.returncode}")
    duration, memory = result.stdout.split()
    return float(duration), 1024.0 * float(memory)
