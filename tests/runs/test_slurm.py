"""Sweeps as jobs of Slurm, with submitit's local executor in its place: killed and stopped jobs are submitted again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import submitit
from click.testing import CliRunner
from submitit.core.utils import FailedJobError, JobPaths

from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.runs.executors import shared_disk, slurm, slurm_queue
from ganbench.runs.executors.base import TRIES
from ganbench.runs.executors.slurm import Slurm
from ganbench.runs.executors.slurm_queue import GoneJobs
from ganbench.runs.progress import PROGRESS_FILE, Progress, read_progress
from ganbench.runs.task import Task, TaskResult, perform, plain
from ganbench.spec.run_spec import resolve
from ganbench.tracking.mlflow.client import read_statuses
from ganbench.tracking.mlflow.reading import read_runs
from ganbench.tracking.store import Store, find_store
from ganbench.training.checkpoint import save_checkpoint
from tests.conftest import PATIENCE

SETTINGS = {
    "dataset": {"name": "ring", "points": 2000},
    "arch": {"name": "mlp", "generator_widths": [8], "critic_widths": [8]},
    "train": {"steps": 200_000, "batch_size": 8},
    "evaluation": {"every": 20, "quick_samples": 500, "samples": 500},
}
EXPERIMENT = '[base]\ndataset = "ring"\n[base.train]\nsteps = 2\nbatch_size = 8\n'


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return find_store(str(tmp_path / "store"))


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slurm]:
    """The executor, on submitit's local executor."""

    def open_locally(log: Path, threads: int, options: Mapping[str, str]) -> submitit.Executor:
        executor = submitit.LocalExecutor(tmp_path / "jobs")
        executor.update_parameters(timeout_min=5)
        return executor

    def cancel(job: Any, *options: str) -> None:
        if "--state=PENDING" not in options:
            job._process.send_signal(signal.SIGTERM if options else signal.SIGINT)

    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(slurm, "_open", open_locally)
    monkeypatch.setattr(slurm, "_cancel", cancel)
    executor = Slurm(1, 1, "cpu", {}, tmp_path / "log.txt")
    yield executor
    executor.close()


def task(store: Store, **settings: object) -> Task:
    spec = resolve({**SETTINGS, **settings})
    return Task(spec.group_id, spec.to_dict(), (0, 1), "e", store.uri, "cpu")


def next_result(executor: Slurm) -> TaskResult:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for result in executor.wait(0.1):
            return result
    raise AssertionError("no result in time")


def wait_for_job(executor: Slurm, folder: Path, *, step: int = 1) -> Progress:
    """Wait until a job has trained up to a step."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert not executor.wait(0.05)
        progress = read_progress(folder)
        if progress is not None and progress.step >= step:
            return progress
    raise AssertionError("no job began to train")


def test_killed_job_resumes_with_the_same_numbers_and_a_stopped_one_saves_a_checkpoint(
    store: Store, cluster: Slurm, tmp_path: Path
) -> None:
    request = task(store)
    folder = store.checkpoints("e", request.group)
    cluster.submit(request)
    cluster.submit(task(store, loss={"name": "hinge"}))
    os.kill(wait_for_job(cluster, folder, step=20).pid, signal.SIGKILL)
    (folder / PROGRESS_FILE).unlink()
    assert wait_for_job(cluster, folder, step=40).began_step >= 20, "it must resume from its checkpoint"
    assert cluster.stop() == {request.group}, "what waits is dropped"
    assert next_result(cluster) == TaskResult(request.group, {0: "stopped", 1: "stopped"})
    assert not cluster.wait(0.1), "it is not submitted again"
    assert set(read_statuses(store, "e").values()) == {"stopped"}

    whole, stop = find_store(str(tmp_path / "whole")), threading.Event()
    last = max(step for _, step, _ in read_runs(store, "e", history=True)[0].history)

    def stop_later() -> None:
        while (progress := read_progress(whole.checkpoints("e", request.group))) is None or progress.step < last:
            time.sleep(0.05)
        stop.set()

    threading.Thread(target=stop_later, daemon=True).start()
    perform(task(whole), stop)
    assert last >= 40
    assert numbers(store, last) == numbers(whole, last)


def numbers(store: Store, last: int) -> dict[str, set[tuple[str, int, float]]]:
    """What is tracked of each run up to a step, except for its times."""
    return {
        run.id: {(name, step, value) for name, step, value in run.history if step <= last and "seconds" not in name}
        for run in read_runs(store, "e", history=True)
    }


class Job:
    """A job of a queue that never runs anything."""

    def __init__(self, number: int, folder: Path, answer: Path) -> None:
        self.job_id, self.state, self.answer = str(number), "PENDING", answer
        self.paths = JobPaths(folder, self.job_id)

    def done(self) -> bool:
        return self.state in ("COMPLETED", "FAILED", "CANCELLED")

    def end(self, state: str, result: TaskResult | None = None) -> None:
        self.state = state
        if result is not None:
            self.answer.write_text(json.dumps(plain(result)))


class Queue:
    """An executor of submitit whose jobs the test ends; it refuses jobs while `refusal` isn't empty."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.refusal = folder, ""
        self.jobs: list[Job] = []
        self.cancelled: list[str] = []

    def submit(self, function: object, values: object, answer: Path) -> Job:
        if self.refusal:
            raise FailedJobError(self.refusal)
        self.jobs.append(Job(len(self.jobs), self.folder, answer))
        return self.jobs[-1]

    def cancel(self, job: Job, *options: str) -> None:
        self.cancelled.append(" ".join((job.job_id, *options)))


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Queue:
    queue = Queue(tmp_path / "jobs")
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(slurm, "_open", lambda *_: queue)
    monkeypatch.setattr(slurm, "_cancel", queue.cancel)
    return queue


def test_job_that_gets_nowhere_is_given_up(store: Store, queue: Queue, tmp_path: Path) -> None:
    request, log = task(store), tmp_path / "log.txt"
    executor = Slurm(2, 1, "cpu", {}, log)
    executor.submit(request)
    stopped = TaskResult(request.group, {0: "stopped", 1: "finished"})
    endings = [("FAILED", None), ("PREEMPTED", None), ("COMPLETED", stopped), ("CANCELLED", None)]
    for number, (state, result) in enumerate(endings, start=1):
        queue.jobs[-1].end(state, result)
        assert not executor.wait(0)
        assert len(queue.jobs) == number + 1, "it is submitted again"
    queue.jobs[-1].end("FAILED")
    [given_up] = executor.wait(0)
    assert given_up.error == f"its job ended 5 times without a new checkpoint; see {queue.jobs[-1].paths.stderr}"
    assert queue.cancelled == ["0", "1", "2", "3", "4"], "Slurm may have put them back into the queue"
    executor.close()
    assert queue.folder.is_dir(), "the logs of what failed are kept"


def test_job_that_gets_further_each_time_is_never_given_up(store: Store, queue: Queue, tmp_path: Path) -> None:
    request = task(store)
    executor = Slurm(2, 1, "cpu", {}, tmp_path / "log.txt")
    executor.submit(request)
    for step in range(2 * TRIES):
        save_checkpoint(store.checkpoints("e", request.group) / "0.safetensors", {}, {"step": step})
        queue.jobs[-1].end("CANCELLED")
        assert not executor.wait(0)
    queue.jobs[-1].end("COMPLETED", TaskResult(request.group, {0: "finished", 1: "diverged"}))
    assert executor.wait(0) == [TaskResult(request.group, {0: "finished", 1: "diverged"})]


def test_only_so_many_jobs_are_in_the_queue(store: Store, queue: Queue, tmp_path: Path) -> None:
    executor = Slurm(2, 1, "cpu", {}, tmp_path / "log.txt")
    requests = [task(store, train={"steps": steps}) for steps in (2, 4, 6)]
    for request in requests:
        executor.submit(request)
    assert len(queue.jobs) == 2
    results = [TaskResult(requests[0].group, error="no such file"), TaskResult(requests[1].group, busy=True)]
    for job, result in zip(queue.jobs, results, strict=True):
        job.end("COMPLETED", result)
    assert executor.wait(0) == results
    assert len(queue.jobs) == 3
    executor.submit(requests[1])
    assert len(queue.jobs) == 3, "a busy group waits before it takes a place in the queue again"
    queue.jobs[2].paths.stdout.touch()
    executor.submit(requests[0])
    assert executor.stop() == {requests[2].group}, "it runs: its log is there"
    assert queue.cancelled == ["2 --state=PENDING", "2 --signal=TERM", "3"]
    executor.close()
    assert queue.cancelled[3:] == ["2"]


def test_slurm_that_refuses_jobs(store: Store, queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executor = Slurm(2, 1, "cpu", {"partition": "lnog"}, tmp_path / "log.txt")
    queue.refusal = "sbatch: error: invalid partition\nspecified: lnog"
    with pytest.raises(GanbenchError, match=r"^Slurm refuses the job: .* invalid partition specified: lnog$"):
        executor.submit(task(store))
    executor.close()
    assert not queue.folder.exists()

    other = Queue(tmp_path / "other")
    monkeypatch.setattr(slurm, "_open", lambda *_: other)
    executor = Slurm(2, 1, "cpu", {}, tmp_path / "log.txt")
    executor.submit(task(store))
    other.refusal = "sbatch: error: too many jobs"
    monkeypatch.setattr(slurm, "PAUSE", 0.0)
    request = task(store, train={"steps": 2})
    executor.submit(request)
    assert [executor.wait(0) for _ in range(2 * TRIES)] == [[]] * 2 * TRIES, (
        "it takes no more while it has a job of ours"
    )
    other.jobs[0].end("COMPLETED", TaskResult("first", {0: "finished"}))
    assert len(executor.wait(0)) == 1  # and one refusal
    results = [executor.wait(0) for _ in range(TRIES - 1)]
    assert results == [[], [], [], [TaskResult(request.group, error=f"Slurm refused the job: {other.refusal}")]]


def test_refusal_that_gives_up_a_task_is_reported_though_it_came_while_another_was_submitted(
    store: Store, queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm, "PAUSE", 0.0)
    executor = Slurm(4, 1, "cpu", {}, tmp_path / "log.txt")
    first, *others = (task(store, train={"steps": steps}) for steps in range(2, 2 + TRIES + 1))
    executor.submit(first)
    queue.jobs[0].end("COMPLETED", TaskResult(first.group, {0: "finished"}))
    executor.wait(0)
    queue.refusal = "sbatch: error: down for maintenance"
    for request in others:
        executor.submit(request)
    assert [result.group for result in executor.wait(0)] == [others[0].group]


def test_jobs_that_left_the_queue_have_ended_without_accounting(
    store: Store, queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[set[str] | None] = [{"0"}, None, set(), None, set(), {"0", "7"}, set()]
    monkeypatch.setattr(slurm_queue, "read_queue", lambda: listed.pop(0) if listed else set())
    jobs = GoneJobs(0.0)
    assert [jobs.among({"0"}) for _ in range(8)] == [set()] * 7 + [{"0"}], "once isn't enough: see its answer"
    monkeypatch.setattr(slurm, "ACCOUNTING_INTERVAL", 0.0)
    executor = Slurm(1, 1, "cpu", {}, tmp_path / "log.txt")
    executor.submit(task(store))
    executor.wait(0)
    executor.wait(0)
    assert len(queue.jobs) > 1, "it is submitted again"


def test_suspended_jobs_go_on_and_stopped_ones_are_asked_again(
    store: Store, queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm, "REPEAT", 0.0)
    executor = Slurm(1, 1, "cpu", {}, tmp_path / "log.txt")
    executor.submit(task(store))
    job = queue.jobs[0]
    job.paths.stdout.touch()
    monkeypatch.setattr(job, "done", lambda: True)  # submitit takes it for ended
    job.end("SUSPENDED")
    assert not executor.wait(0)
    assert (len(queue.jobs), queue.cancelled) == (1, [])
    monkeypatch.setattr(job, "done", lambda: False)
    executor.stop()
    executor.wait(0)
    assert queue.cancelled == ["0 --state=PENDING", "0 --signal=TERM"] * 2
    job.end("PREEMPTED")
    executor.wait(0)
    assert queue.cancelled[-1] == "0", "Slurm may have put it back into the queue"


def test_options_of_sbatch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setenv("OMP_NUM_THREADS", "")
    options = {"mem": "16G", "job-name": "mine", "exclusive": ""}
    executor: Any = Slurm(None, None, "cuda", options, tmp_path / "store" / "e.log")._open()
    script = executor._make_submission_file_text("python", "")
    lines = [line.removeprefix("#SBATCH --") for line in script.splitlines() if line.startswith("#SBATCH")]
    expected = ["cpus-per-task=4", "exclusive", "gpus-per-node=1", "job-name=mine", "mem=16G", "signal=TERM@120"]
    assert {*expected, "time=4:00:00"} <= set(lines)
    assert script.index("export OMP_NUM_THREADS=4") < script.index("srun --unbuffered")
    assert "--cpus-per-task=4" in script[script.index("srun --unbuffered") :]
    folder = Path(executor.folder)
    assert (folder.parent, folder.stat().st_mode & 0o777) == (tmp_path / "store", 0o700)
    with_gpus: Any = Slurm(None, 2, "cuda", {"gres": "gpu:a100:2", "time": "90"}, tmp_path / "e.log")._open()
    script = with_gpus._make_submission_file_text("python", "")
    assert "gpus-per-node" not in script
    with pytest.raises(GanbenchError, match="choose a store without % and line breaks"):
        Slurm(1, 1, "cpu", {}, tmp_path / "100%" / "e.log")._open()
    assert {"#SBATCH --gres=gpu:a100:2", "#SBATCH --time=90", "#SBATCH --cpus-per-task=2"} <= set(script.splitlines())


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--executor", "slurm"], "--executor slurm needs Slurm's commands: there is no srun on this machine"),
        (["--slurm", "mem=2G"], "--slurm is for --executor slurm"),
        (["--executor", "slurm", "--gpus", "1"], "--address and --gpus are for --executor ray"),
        (
            ["--executor", "slurm", "--slurm", "cpus-per-task=4"],
            "of sbatch can't be set: use --threads",
        ),
        (["--executor", "slurm", "--slurm", "comment=a\nb"], "is no option of sbatch"),
        (["--executor", "slurm"], "file system that several machines may share (nfs)"),
    ],
)
def test_bad_requests_are_refused_in_one_line(
    flags: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shutil, "which", lambda name: None if "no srun" in message else f"/usr/bin/{name}")
    if "nfs" in message:
        monkeypatch.setattr(shared_disk, "OWN_DISKS", set())
        message = message.replace("nfs", file_system(tmp_path))
    (tmp_path / "e.toml").write_text(EXPERIMENT)
    result = CliRunner().invoke(main, ["sweep", "e.toml", "--device", "cpu", "--store", "store", *flags])
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert not list(tmp_path.rglob("*-slurm-*"))


def file_system(folder: Path) -> str:
    command = ["stat", "--file-system", "--format=%T", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_job_refuses_a_store_that_its_node_shares(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_disk, "OWN_DISKS", set())
    before = signal.getsignal(signal.SIGTERM)
    try:
        slurm._perform(asdict(task(store, train={"steps": 2, "batch_size": 8})), tmp_path / "answer.json")
    finally:
        signal.signal(signal.SIGTERM, before)
    answer = slurm._read_answer(tmp_path / "answer.json")
    assert answer is not None
    assert "SQLite would lose runs" in answer.error
    assert not store.folder.exists()
