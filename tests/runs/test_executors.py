"""Sweeps in worker processes: killed workers are replaced, failures are reported, and other groups continue."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import filelock
import pytest
from click.testing import CliRunner, Result

from ganbench.cli import main
from ganbench.runs.cores import MEMORY_A_JOB
from ganbench.runs.executors import choose, local
from ganbench.runs.executors.local import Local
from ganbench.runs.progress import PROGRESS_FILE, read_progress
from ganbench.runs.task import Task, TaskResult, from_plain, perform, plain
from ganbench.spec.run_spec import RunSpec, resolve
from ganbench.tracking.mlflow.client import read_statuses
from ganbench.tracking.mlflow.reading import read_runs
from ganbench.tracking.store import Store, find_store
from tests.conftest import PATIENCE, forgotten_plugins

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


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """A pool whose worker goes from test to test, since one takes seconds to start."""
    with closing(Local(1, "cpu", tmp_path_factory.mktemp("pool") / "log.txt")) as pool:
        yield pool


@pytest.fixture
def own_pool(tmp_path: Path) -> Iterator[Local]:
    """A pool that a test may stop."""
    with closing(Local(1, "cpu", tmp_path / "log.txt")) as pool:
        yield pool


def task(store: Store, **settings: object) -> tuple[Task, RunSpec]:
    spec = resolve({**SETTINGS, **settings})
    return Task(spec.group_id, spec.to_dict(), (0, 1), "e", store.uri, "cpu"), spec


def next_result(pool: Local) -> TaskResult:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for result in pool.wait(0.2):
            return result
    raise AssertionError("no result in time")


def wait_for_worker(pool: Local, folder: Path) -> int:
    """Wait until a worker has begun to train, and return its process id."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert not pool.wait(0.05)
        progress = read_progress(folder)
        if progress is not None and progress.step:
            return progress.pid
    raise AssertionError("no worker began to train")


@pytest.mark.parametrize(
    ("cores", "jobs", "threads", "environment", "expected"),
    [
        (2, 2, None, "", 2 * ["1"]),
        (2, None, None, "", 2 * ["1"]),
        (8, None, None, "", 5 * ["1"]),  # as many as groups
        (16, None, None, "", 4 * ["4"]),  # as fit into memory
        (8, None, 4, "", 2 * ["4"]),
        (8, None, None, "8", ["8"]),
        (2, 4, None, "", 4 * ["1"]),
        (2, 2, None, "3", 2 * ["3"]),
        (2, 2, 2, "3", 2 * ["2"]),
        (1, None, None, "", ["1"]),
    ],
)
def test_workers_share_the_cores_unless_told_otherwise(
    cores: int,
    jobs: int | None,
    threads: int | None,
    environment: str,
    expected: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    store: Store,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(cores)), raising=False)
    monkeypatch.setattr(local, "own_memory", lambda: (4.5 if cores == 16 else 1000) * MEMORY_A_JOB)
    monkeypatch.setenv("OMP_NUM_THREADS", environment)
    environments: list[dict[str, str]] = []

    class Worker:
        task: Task | None = None

        def __init__(self, environment: dict[str, str], *_: object) -> None:
            environments.append(environment)

        def give(self, task: Task) -> None:
            self.task = task

    monkeypatch.setattr(local, "_Worker", Worker)
    log = tmp_path / "log.txt"
    pool = choose(
        "local", jobs=jobs, threads=threads, device="cpu", address=None, gpus=None, slurm={}, log=log, groups=5
    )
    for _ in range(pool.jobs):
        pool.submit(task(store)[0])
    assert [worker["OMP_NUM_THREADS"] for worker in environments] == expected


def test_number_of_threads_is_tracked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    file = tmp_path / "sweep.toml"
    file.write_text(
        '[base]\ndataset = "ring:points=2000"\narch = "mlp:generator_widths=[8],critic_widths=[8]"\n'
        "[base.train]\nsteps = 2\nbatch_size = 8\n[base.evaluation]\nevery = 2\nquick_samples = 500\nsamples = 500\n"
    )
    store = str(tmp_path / "store")
    result = CliRunner().invoke(main, ["sweep", str(file), "--store", store, "--device", "cpu", "--threads", "1"])
    assert result.exit_code == 0, result.output
    [run] = read_runs(find_store(store), "sweep", history=False)
    assert run.tags["device"] == "cpu (1 threads)"


def test_killed_worker_is_replaced_and_its_task_resumes(store: Store, own_pool: Local) -> None:
    request, spec = task(store, **LONG)
    folder = store.checkpoints("e", spec.group_id)
    own_pool.submit(request)
    first = wait_for_worker(own_pool, folder)
    os.kill(first, signal.SIGKILL)
    (folder / PROGRESS_FILE).unlink()
    second = wait_for_worker(own_pool, folder)
    assert second != first
    progress = read_progress(folder)
    assert progress is not None
    assert progress.began_step > 0, "it must resume from its checkpoint"
    assert own_pool.stop() == {spec.group_id}
    assert next_result(own_pool) == TaskResult(spec.group_id, {0: "stopped", 1: "stopped"})
    assert set(read_statuses(store, "e").values()) == {"stopped"}
    assert not (folder / PROGRESS_FILE).exists()


def test_task_that_always_kills_its_process_is_reported(
    store: Store, pool: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "TRIES", 2)
    deadly = tmp_path / "deadly.py"
    deadly.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    request, _ = task(store)
    pool.submit(Task(**{**vars(request), "plugins": [str(deadly)]}))
    result = next_result(pool)
    assert result.error.startswith("its process died 2 times, at last by signal 9")
    pool.submit(request)
    assert next_result(pool).statuses == {0: "finished", 1: "finished"}, "other tasks continue"


def test_worker_ends_when_its_driver_is_killed(store: Store, own_pool: Local) -> None:
    """The end of its input tells a worker that its driver is gone, however the driver ended."""
    request, spec = task(store, **LONG)
    own_pool.submit(request)
    pid = wait_for_worker(own_pool, store.checkpoints("e", spec.group_id))
    worker = own_pool._workers[0]
    assert worker is not None
    worker.release()
    assert worker._process.wait(PATIENCE) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert set(read_statuses(store, "e").values()) == {"stopped"}


HANGING = '''
import time
from ganbench.methods.losses.minimax import Minimax
from ganbench.plugin import LOSSES, register

@register(LOSSES, "hanging")
class Hanging(Minimax):
    """Hangs."""

    def generator_loss(self, fake, real):
        print("hanging", flush=True)
        while True:
            time.sleep(1000)
'''


@pytest.mark.parametrize("end", [(signal.SIGKILL,), (signal.SIGTERM, signal.SIGTERM)], ids=["SIGKILL", "two SIGTERMs"])
def test_worker_whose_plugin_hangs_ends_when_its_driver_is_gone(
    end: tuple[signal.Signals, ...], tmp_path: Path
) -> None:
    (tmp_path / "hanging.py").write_text(HANGING)
    file = tmp_path / "sweep.toml"
    file.write_text(
        'seeds = 1\n[base]\ndataset = "ring:points=2000"\nloss = "hanging"\n'
        'arch = "mlp:generator_widths=[8],critic_widths=[8]"\n[base.train]\nsteps = 2\nbatch_size = 8\n'
    )
    store = tmp_path / "store"
    arguments = ["sweep", str(file), "--plugin", str(tmp_path / "hanging.py"), "--store", str(store), "--device", "cpu"]
    code = (
        "from ganbench.cli import main\nfrom ganbench.runs.executors import local\n"
        f"local.ORPHAN_GRACE = 1.0\nmain({arguments!r})"
    )

    def log() -> str:
        return "".join(path.read_text() for path in store.rglob("*log*") if path.is_file())

    said = tmp_path / "said.txt"
    with (
        said.open("w") as errors,
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=errors) as driver,
    ):
        try:
            wait_until(lambda: "hanging" in log())
            (progress_file,) = store.rglob(PROGRESS_FILE)
            progress = read_progress(progress_file.parent)
            assert progress is not None
            *first, last = end
            for number in first:
                driver.send_signal(number)
                wait_until(lambda: "once more to quit" in said.read_text())  # then it has made way for the second
            driver.send_signal(last)
            assert driver.wait(PATIENCE) == -last
        finally:
            driver.kill()
    wait_until(lambda: read_progress(progress_file.parent) is None)
    assert "in generator_loss" in log(), "it must say where it hung"
    with filelock.FileLock(progress_file.with_name(".lock"), timeout=0):
        pass


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_errors_are_reported_and_do_not_end_the_worker(store: Store, pool: Local) -> None:
    request, _ = task(store)
    pool.submit(Task(**{**vars(request), "settings": {"loss": {"name": "minmax"}}}))
    assert "did you mean 'minimax'?" in next_result(pool).error
    pool.submit(Task(**{**vars(request), "group": "other"}))
    assert "another version" in next_result(pool).error
    pool.submit(request)
    result = next_result(pool)
    assert result.statuses == {0: "finished", 1: "finished"}
    assert from_plain(plain(result)) == result
    assert {run.status for run in read_runs(store, "e", history=False)} == {"finished"}


def test_plugin_that_writes_into_the_pipe_of_results_fails_only_its_group(
    store: Store, pool: Local, tmp_path: Path
) -> None:
    plugin = tmp_path / "loud.py"
    plugin.write_text(
        "import os, stat\n"
        "for descriptor in range(3, 32):\n"
        "    try:\n"
        "        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):\n"
        "            os.write(descriptor, b'[\\x1b[31m\\n{}\\n')\n"
        "    except OSError:\n"
        "        pass\n"
    )
    request, _ = task(store)
    pool.submit(Task(**{**vars(request), "group": "loud", "plugins": [str(plugin)]}))
    pool.submit(request)
    results = {result.group: result for result in (next_result(pool), next_result(pool))}
    assert results["loud"].error == "a plug-in wrote into the pipe of results: '[[31m'"
    assert results[request.group].statuses == {0: "finished", 1: "finished"}


def test_second_process_for_the_same_runs_reports_busy(store: Store) -> None:
    request, spec = task(store)
    folder = store.checkpoints("e", spec.group_id)
    folder.mkdir(parents=True)
    with filelock.FileLock(folder / ".lock"):
        assert perform(request, threading.Event()) == TaskResult(spec.group_id, busy=True)
    assert perform(request, threading.Event()).statuses == {0: "finished", 1: "finished"}


def test_plugin_that_raises_fails_only_its_group(tmp_path: Path) -> None:
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

    def ganbench(command: str) -> Result:
        with forgotten_plugins():
            return CliRunner().invoke(main, [command, *flags], catch_exceptions=False)

    sweep, status = ganbench("sweep"), ganbench("status")
    assert sweep.exit_code == 1, sweep.output
    assert "failed: ZeroDivisionError: oh" in sweep.stdout
    assert "1 of 2 groups done, 1 failed" in sweep.stdout
    assert "minimax" in sweep.stdout.split("loss ")[-1], "finished groups are compared"
    assert status.exit_code == 1, status.output
    assert "1 of 2 groups done, 1 waiting" in status.stdout


def test_status_selects_groups_with_where(tmp_path: Path) -> None:
    file = tmp_path / "sweep.toml"
    file.write_text('[axes]\nloss = ["minimax", "hinge"]\n"train.n_critic" = [1, 2]\n')
    result = CliRunner().invoke(main, ["status", str(file), "--where", "loss=hing", "--store", str(tmp_path / "s")])
    assert result.exit_code == 2
    assert "nothing in 'sweep' matches this; there, loss is hinge, minimax" in result.output
    result = CliRunner().invoke(main, ["status", str(file), "--where", "los=hinge", "--store", str(tmp_path / "s")])
    assert "there is no option 'los': did you mean 'loss'?" in result.output
    conditions = ["--where", "loss=hinge", "--where", "train.n_critic=2|3"]
    result = CliRunner().invoke(main, ["status", str(file), *conditions, "--store", str(tmp_path / "s")])
    assert "0 of 1 groups done, 1 waiting" in result.output
    assert not (tmp_path / "s").exists(), "status must not create a store"


def test_ctrl_c_ends_a_sweep_with_checkpoints(tmp_path: Path) -> None:
    file = tmp_path / "sweep.toml"
    file.write_text(
        '[base]\ndataset = "ring:points=2000"\n[base.train]\nsteps = 100000\nbatch_size = 8\n'
        '[base.evaluation]\nevery = 20\nquick_samples = 500\nsamples = 500\n[axes]\nloss = ["minimax", "hinge"]\n'
    )
    command = [sys.executable, "-m", "ganbench", "sweep", str(file), "--store", str(tmp_path / "store"), "--jobs", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as driver:
        deadline = time.monotonic() + PATIENCE
        while not list(tmp_path.rglob("*.safetensors")):
            assert time.monotonic() < deadline
            assert driver.poll() is None
            time.sleep(0.1)
        driver.send_signal(signal.SIGINT)
        output, _ = driver.communicate(timeout=PATIENCE)
    assert driver.returncode == 130, output
    assert "Run the same command again to resume" in output
    assert set(read_statuses(find_store(str(tmp_path / "store")), "sweep").values()) == {"stopped"}
