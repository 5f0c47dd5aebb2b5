"""Commands, and what they left in a SQLite store.

Only commands that are to be stopped, killed or asked over the network run in processes of their own: to start one takes
three seconds, most of them to import torch and MLflow.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from click.testing import CliRunner, Result

from ganbench.cli import main
from ganbench.tracking.mlflow.beside_scores import with_numbers_beside
from tests.conftest import PATIENCE, forgotten_plugins

SMALL = [
    *("--arch", "mlp:latent_dim=8,generator_widths=[32],critic_widths=[32]"),
    *("--set", "evaluation.quick_samples=500", "--set", "evaluation.samples=1000"),
]

# Tiny networks gain nothing from threads, which wait for each other on a busy machine.
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
Rows = dict[tuple[str, str, int], float]


def ganbench(*args: str | Path) -> Result:
    """Run a command to its end, in this process; the next one doesn't know its plug-ins."""
    with forgotten_plugins():
        return CliRunner().invoke(main, [*map(str, args)], catch_exceptions=False)


def start_ganbench(*args: str | Path) -> subprocess.Popen[str]:
    """Start a command in a process of its own."""
    command = [sys.executable, "-m", "ganbench", *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)


def read(*args: str | Path) -> str:
    """Run a command that must succeed, and return what it prints."""
    result = ganbench(*args)
    assert result.exit_code == 0, result.output
    return result.stdout


def read_metrics(store: Path) -> Rows:
    """All numbers of a store by (run id, name, step), read directly from its database, except times."""
    query = """
        select tags.value, metrics.key, metrics.step, metrics.value
        from metrics join tags on tags.run_uuid = metrics.run_uuid and tags.key = 'ganbench.run'
        join runs on runs.run_uuid = metrics.run_uuid
        where runs.lifecycle_stage = 'active'
    """
    query_of_tags = """
        select tags.value, beside.key, beside.value
        from tags beside join tags on tags.run_uuid = beside.run_uuid and tags.key = 'ganbench.run'
        join runs on runs.run_uuid = beside.run_uuid
        where runs.lifecycle_stage = 'active' and beside.key like 'ganbench.beside-scores/%'
    """
    with closing(sqlite3.connect(store / "mlflow.db")) as database:
        rows = database.execute(query).fetchall()
        texts = database.execute(query_of_tags).fetchall()
    by_run: dict[str, dict[str, str]] = {}
    for run, key, text in texts:
        by_run.setdefault(run, {})[key] = text
    rows += [(run, *number) for run, own in by_run.items() for number in with_numbers_beside([], own, history=True)]
    values = {(run, key, step): value for run, key, step, value in rows}
    assert len(values) == len(rows), "a number is tracked twice"
    return {key: value for key, value in values.items() if key[1] != "train/seconds"}


def tags(store: Path, key: str) -> list[str]:
    with closing(sqlite3.connect(store / "mlflow.db")) as database:
        query = """
            select tags.value from tags join tags as kind on kind.run_uuid = tags.run_uuid
            join runs on runs.run_uuid = tags.run_uuid
            where tags.key = ? and kind.key = 'ganbench.kind' and kind.value = 'seed'
            and runs.lifecycle_stage = 'active'
        """
        return [value for (value,) in database.execute(query, (f"ganbench.{key}",))]


def checkpoints(store: Path) -> list[Path]:
    return list((store / "checkpoints").rglob("*.safetensors"))


def evaluations(store: Path) -> int:
    if not (store / "mlflow.db").exists():
        return 0
    try:
        with closing(sqlite3.connect(store / "mlflow.db")) as database:
            return int(database.execute("select count(*) from metrics where key = 'quick/modes_strict'").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def wait_for_evaluations(store: Path, count: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while evaluations(store) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()
