"""Sweeps in processes: what is killed is begun again, what fails is told, and the rest goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import filelock
import pytest
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.runs.executors import local
from ganbench.runs.executors.local import Local
from ganbench.runs.progress import FILE, read_progress
from ganbench.runs.task import Task, TaskResult, from_plain, perform, plain
from ganbench.spec.run_spec import RunSpec, resolve
from ganbench.tracking.mlflow.client import read_statuses
from ganbench.tracking.mlflow.reading import read_runs
from ganbench.tracking.store import Store, find_store

SETTINGS = {
    "dataset": {"name": "ring", "points": 2000},
    "arch": {"name": "mlp", "generator_widths": [8], "critic_widths": [8]},
    "train": {"steps": 40, "batch_size": 8},
    "evaluation": {"every": 20, "quick_samples": 500, "samples": 500},
}
LONG = {"train": {"steps": 200_000, "batch_size": 8}, "evaluation": {"every": 5, "quick_samples": 500, "samples": 500}}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return find_store(str(tmp_path / "store"))


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Local]:
    pool = Local(1, "cpu", tmp_path / "log.txt")
    yield pool
    pool.close()


def task(store: Store, **settings: object) -> tuple[Task, RunSpec]:
    spec = resolve({**SETTINGS, **settings})
    return Task(spec.group_id, spec.to_dict(), (0, 1), "e", store.uri, "cpu"), spec


def outcome_of(pool: Local, seconds: float = 60) -> TaskResult:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for outcome in pool.wait(0.2):
            return outcome
    raise AssertionError("no outcome in time")


def worker_of(pool: Local, folder: Path) -> int:
    """The process that is at work, once it is."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert not pool.wait(0.05)
        progress = read_progress(folder)
        if progress is not None and progress.step:
            return progress.pid
    raise AssertionError("nobody is at work")


def test_a_killed_worker_is_replaced_and_its_task_goes_on(store: Store, pool: Local) -> None:
    asked, spec = task(store, **LONG)
    folder = store.checkpoints("e", spec.group_id)
    pool.submit(asked)
    first = worker_of(pool, folder)
    os.kill(first, signal.SIGKILL)
    (folder / FILE).unlink()
    second = worker_of(pool, folder)
    assert second != first
    progress = read_progress(folder)
    assert progress is not None
    assert progress.began_step > 0, "from its checkpoint"
    assert pool.stop() == {spec.group_id}
    assert outcome_of(pool) == TaskResult(spec.group_id, {0: "stopped", 1: "stopped"})
    assert set(read_statuses(store, "e").values()) == {"stopped"}
    assert not (folder / FILE).exists()


def test_a_task_whose_process_always_dies_is_told_of(
    store: Store, pool: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "TRIES", 2)
    deadly = tmp_path / "deadly.py"
    deadly.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    asked, _ = task(store)
    pool.submit(Task(**{**vars(asked), "plugins": [str(deadly)]}))
    outcome = outcome_of(pool, 120)
    assert outcome.error.startswith("its process died 2 times, at last by signal 9")
    pool.submit(asked)
    assert outcome_of(pool).statuses == {0: "finished", 1: "finished"}, "others go on"


def test_a_worker_does_not_outlive_a_killed_driver(store: Store, tmp_path: Path) -> None:
    """Its input ends, whatever became of the other side."""
    asked, spec = task(store, **LONG)
    pool = Local(1, "cpu", tmp_path / "log.txt")
    pool.submit(asked)
    pid = worker_of(pool, store.checkpoints("e", spec.group_id))
    worker = pool._workers[0]
    assert worker is not None
    worker.release()
    assert worker._process.wait(30) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert set(read_statuses(store, "e").values()) == {"stopped"}
    pool.close()


def test_errors_are_told_in_a_line_and_do_not_end_the_worker(store: Store, pool: Local) -> None:
    asked, _ = task(store)
    pool.submit(Task(**{**vars(asked), "settings": {"loss": {"name": "minmax"}}}))
    assert "did you mean 'minimax'?" in outcome_of(pool).error
    pool.submit(Task(**{**vars(asked), "group": "other"}))
    assert "another version" in outcome_of(pool).error
    pool.submit(asked)
    outcome = outcome_of(pool)
    assert outcome.statuses == {0: "finished", 1: "finished"}
    assert from_plain(plain(outcome)) == outcome
    assert {run.status for run in read_runs(store, "e", history=False)} == {"finished"}


def test_who_comes_second_to_the_same_runs_says_so(store: Store) -> None:
    asked, spec = task(store)
    folder = store.checkpoints("e", spec.group_id)
    folder.mkdir(parents=True)
    with filelock.FileLock(folder / ".lock"):
        assert perform(asked, threading.Event()) == TaskResult(spec.group_id, busy=True)
    assert perform(asked, threading.Event()).statuses == {0: "finished", 1: "finished"}


def test_a_plug_in_that_raises_fails_its_group_only(tmp_path: Path) -> None:
    plugin = tmp_path / "broken.py"
    plugin.write_text(
        "from ganbench.plugin import LOSSES\nfrom ganbench.methods.losses.minimax import Minimax\n"
        "from ganbench.plugin import register\n\n\n"
        "@register(LOSSES, 'broken')\nclass Broken(Minimax):\n    '''Breaks.'''\n\n"
        "    def generator_loss(self, fake, real):\n        raise ZeroDivisionError('oh')\n"
    )
    file = tmp_path / "sweep.toml"
    file.write_text(
        'seeds = 2\n[base]\ndataset = "ring:points=2000"\narch = "mlp:generator_widths=[8],critic_widths=[8]"\n'
        "[base.train]\nsteps = 2\nbatch_size = 8\n[base.evaluation]\nevery = 2\nquick_samples = 500\nsamples = 500\n"
        '[axes]\nloss = ["broken", "minimax"]\n'
    )
    flags = [str(file), "--store", str(tmp_path / "store"), "--plugin", str(plugin)]
    # In processes of their own: a component that is registered here would be seen by all other tests.
    sweep, status = (
        subprocess.run([sys.executable, "-m", "ganbench", command, *flags], capture_output=True, text=True, check=False)
        for command in ("sweep", "status")
    )
    assert sweep.returncode == 1, sweep.stderr
    assert "failed: ZeroDivisionError: oh" in sweep.stdout
    assert "1 of 2 groups done, 1 failed" in sweep.stdout
    assert "minimax" in sweep.stdout.split("loss ")[-1], "what there is is compared"
    assert status.returncode == 1, status.stderr
    assert "1 of 2 groups done, 1 waiting" in status.stdout


def test_a_sweep_without_its_rest(tmp_path: Path) -> None:
    file = tmp_path / "sweep.toml"
    file.write_text('[axes]\nloss = ["minimax", "hinge"]\n"train.n_critic" = [1, 2]\n')
    told = CliRunner().invoke(main, ["status", str(file), "--where", "loss=hing", "--store", str(tmp_path / "s")])
    assert told.exit_code == 2
    assert "nothing in 'sweep' matches this; there, loss is hinge, minimax" in told.output
    told = CliRunner().invoke(main, ["status", str(file), "--where", "los=hinge", "--store", str(tmp_path / "s")])
    assert "there is no option 'los': did you mean 'loss'?" in told.output
    both = ["--where", "loss=hinge", "--where", "train.n_critic=2|3"]
    told = CliRunner().invoke(main, ["status", str(file), *both, "--store", str(tmp_path / "s")])
    assert "0 of 1 groups done, 1 waiting" in told.output
    assert not (tmp_path / "s").exists(), "looking makes nothing"


def test_ctrl_c_stops_a_sweep_with_checkpoints(tmp_path: Path) -> None:
    file = tmp_path / "sweep.toml"
    file.write_text(
        '[base]\ndataset = "ring:points=2000"\n[base.train]\nsteps = 100000\nbatch_size = 8\n'
        '[base.evaluation]\nevery = 20\nquick_samples = 500\nsamples = 500\n[axes]\nloss = ["minimax", "hinge"]\n'
    )
    command = [sys.executable, "-m", "ganbench", "sweep", str(file), "--store", str(tmp_path / "store"), "--jobs", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as driver:
        deadline = time.monotonic() + 60
        while not list(tmp_path.rglob("*.safetensors")):
            assert time.monotonic() < deadline
            assert driver.poll() is None
            time.sleep(0.1)
        driver.send_signal(signal.SIGINT)
        output, _ = driver.communicate(timeout=60)
    assert driver.returncode == 130, output
    assert "Run the same command again to resume" in output
    assert set(read_statuses(find_store(str(tmp_path / "store")), "sweep").values()) == {"stopped"}
