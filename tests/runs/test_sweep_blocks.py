"""Sweeps in blocks of seeds: order, failures, resuming, and what is shown."""

from __future__ import annotations

import dataclasses
import io
import itertools
import math
import re
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import filelock
import pytest
import torch
from rich.console import Console

from ganbench.cli.console.status import status_session
from ganbench.cli.console.sweep import dry_run_session, sweep_session
from ganbench.cli.console.sweep_table import SweepTable, counted, overview
from ganbench.results.export import Export
from ganbench.runs import ensemble_run, time_estimate
from ganbench.runs.progress import Progress, ProgressFile
from ganbench.runs.run import close_finished_groups
from ganbench.runs.sweep_status import GroupStatus, group_statuses
from ganbench.runs.task import Task, TaskResult, perform
from ganbench.runs.time_estimate import Pace, probe, time_of_all
from ganbench.spec.run_spec import RunSpec
from ganbench.spec.sweep_spec import Sweep, read_sweep
from ganbench.tracking import Status
from ganbench.tracking.mlflow.reading import read_runs
from ganbench.tracking.mlflow.tracker import MlflowTracker
from ganbench.tracking.store import Store, find_store
from ganbench.training import trainer
from ganbench.training.checkpoint import checkpoint_paths
from ganbench.training.trainer import Snapshot

pytestmark = pytest.mark.usefixtures("one_thread")

FILE = """
seeds = 4
block = 2
[base]
arch = "mlp:generator_widths=[8],critic_widths=[8]"
dataset = "ring:points=2000"
[base.train]
steps = 40
batch_size = 8
[base.evaluation]
every = 20
quick_samples = 500
samples = 500
[axes]
loss = ["minimax", "hinge"]
"""
FINISHED: Status = "finished"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return find_store(str(tmp_path / "store"))


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    file = tmp_path / "tiny.toml"
    file.write_text(FILE)
    return read_sweep(file)


class Serial:
    """An executor that performs one task after another by a function, and records them."""

    jobs = 1

    def __init__(self, work: Callable[[Task], TaskResult]) -> None:
        self._work = work
        self._waiting: deque[Task] = deque()
        self.performed: list[tuple[str, tuple[int, ...]]] = []

    def submit(self, task: Task) -> None:
        assert task.group not in {other.group for other in self._waiting}, "a group has one task at a time"
        self._waiting.append(task)

    def wait(self, seconds: float) -> Sequence[TaskResult]:
        if not self._waiting:
            time.sleep(min(seconds, 0.05))
            return []
        task = self._waiting.popleft()
        self.performed.append((task.settings["loss"]["name"], tuple(task.seeds)))
        return [self._work(task)]

    def stop(self) -> set[str]:
        self._waiting.clear()
        return set()

    def close(self) -> None:
        pass


def finish(task: Task) -> TaskResult:
    """Report that all seeds are finished, without training them."""
    return TaskResult(task.group, dict.fromkeys(task.seeds, FINISHED))


def train(task: Task) -> TaskResult:
    return perform(task, threading.Event())


def begin(task: Task) -> TaskResult:
    """Train until the first opportunity to stop, and save a checkpoint."""
    stop = threading.Event()
    stop.set()
    return perform(task, stop)


def run_sweep(
    sweep: Sweep,
    store: Store,
    work: Callable[[Task], TaskResult],
    until: float = math.inf,
    export: Export | None = None,
) -> tuple[int, list[tuple[str, tuple[int, ...]]]]:
    """Run the sweep's session; return its exit status and the tasks in their order."""
    executor = Serial(work)
    status = sweep_session(
        sweep, executor, device="cpu", experiment="e", store=store, plugins=[], until=until, export=export
    )
    return status, executor.performed


def numbers(store: Store) -> dict[str, list[tuple[str, int, float]]]:
    """The tracked numbers of each run, without times."""
    return {
        run.id: [entry for entry in run.history if "seconds" not in entry[0]]
        for run in read_runs(store, "e", history=True)
    }


def tracked(store: Store) -> list[str]:
    """The status of each run."""
    return [run.status for run in read_runs(store, "e", history=False)]


def test_blocks_are_trained_one_after_another(sweep: Sweep, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    status, performed = run_sweep(sweep, store, finish)
    assert status == 0
    assert performed == [(loss, seeds) for seeds in ((0, 1), (2, 3)) for loss in ("minimax", "hinge")]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("2 groups of 4 seeds in blocks of 2, experiment e; 2 groups to do, 1 at once")
    assert lines[1].startswith(
        "minimax · mlp · ring: 2 finished, 2 waiting; 0 of 2 groups done (2 of 8 runs), 2 waiting"
    )
    assert lines[4].startswith("hinge · mlp · ring: 4 finished; 2 of 2 groups done")


def test_without_blocks_and_with_other_seeds(sweep: Sweep, store: Store) -> None:
    assert run_sweep(dataclasses.replace(sweep, block=None), store, finish)[1] == [
        ("minimax", (0, 1, 2, 3)),
        ("hinge", (0, 1, 2, 3)),
    ]
    chosen = dataclasses.replace(sweep, seeds=(3, 7, 8))
    assert [seeds for _, seeds in run_sweep(chosen, store, finish)[1]] == [(3, 7), (3, 7), (8,), (8,)]


def test_failure_in_a_block_does_not_stop_the_next(
    sweep: Sweep, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail_once(task: Task) -> TaskResult:
        if task.settings["loss"]["name"] == "minimax" and 0 in task.seeds:
            return TaskResult(task.group, error="oh")
        return TaskResult(task.group, {seed: "diverged" if seed == 2 else "finished" for seed in task.seeds})

    status, performed = run_sweep(sweep, store, fail_once)
    assert status == 1
    assert performed == [(loss, seeds) for seeds in ((0, 1), (2, 3)) for loss in ("minimax", "hinge")]
    output = capsys.readouterr().out
    assert "minimax · mlp · ring: failed: oh; 0 of 2 groups done, 1 failed, 1 waiting" in output
    assert (
        "minimax · mlp · ring: 2 failed, 1 diverged, 1 finished; 0 of 2 groups done (4 of 8 runs), 1 failed" in output
    )
    assert "1 of 2 groups done (6 of 8 runs), 1 failed" in output
    assert "Run the same command again to retry what failed." in output


def test_busy_group_is_retried_with_the_same_block(sweep: Sweep, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganbench.runs.sweep.BUSY_PAUSE", 0.01)
    busy = [True]

    def busy_once(task: Task) -> TaskResult:
        return TaskResult(task.group, busy=True) if busy and busy.pop() else finish(task)

    status, performed = run_sweep(sweep, store, busy_once)
    assert status == 0
    assert performed[0] == ("minimax", (0, 1))
    assert sorted(performed[1:]) == sorted((loss, seeds) for seeds in ((0, 1), (2, 3)) for loss in ("minimax", "hinge"))


class KilledError(BaseException):
    """The process is gone."""


def killed(*arguments: object) -> None:
    raise KilledError


def test_parent_runs_of_a_killed_process_are_closed_by_the_same_command(
    sweep: Sweep, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is killed between the end of the last seed and that of its group."""
    with monkeypatch.context() as patch:
        patch.setattr(MlflowTracker, "close_group", killed)
        with pytest.raises(KilledError):
            run_sweep(dataclasses.replace(sweep, block=None), store, train)
    tracker = MlflowTracker(store, "e")
    (group,) = tracker.running_groups()
    assert set(tracker.statuses().values()) == {"finished"}
    assert run_sweep(sweep, store, train)[1] == [("hinge", (0, 1)), ("hinge", (2, 3))]
    assert tracker.running_groups() == set()
    with filelock.FileLock(store.checkpoints("e", group) / ".lock"):
        parent = tracker._find(group, "group")
        assert parent is not None
        tracker._client.update_run(parent.info.run_id, status="RUNNING")
        run_sweep(sweep, store, train)
        assert tracker.running_groups() == {group}, "another process trains further seeds of it"
    run_sweep(sweep, store, train)
    assert tracker.running_groups() == set()


def test_files_of_a_killed_process_are_removed_by_the_same_command(
    sweep: Sweep, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is killed after its results are tracked: before its checkpoint is removed, or its progress file."""
    with monkeypatch.context() as patch:
        patch.setattr(ensemble_run, "remove_checkpoint", killed)
        patch.setattr(ProgressFile, "__exit__", lambda *arguments: None)
        with pytest.raises(KilledError):
            run_sweep(dataclasses.replace(sweep, block=None), store, train)
    statuses = MlflowTracker(store, "e").statuses()
    assert set(statuses.values()) == {"finished"}
    assert len(statuses) == 4, "one of two groups"
    (progress,) = store.folder.rglob("progress.json")
    assert checkpoint_paths(progress.parent)
    run_sweep(dataclasses.replace(sweep, block=None), store, train)
    assert not progress.exists()
    assert not checkpoint_paths(progress.parent)
    progress.touch()  # killed later still: its group's run is closed
    run_sweep(dataclasses.replace(sweep, block=None), store, train)
    assert not progress.exists()


def test_parent_stays_open_until_all_results_are_on_the_server(store: Store) -> None:
    """What a spool still keeps counts as finished for the sweep, but has no part in the medians yet."""

    class Server:
        delivered: ClassVar[dict[str, Status]] = {"a": "finished", "b": "running"}
        closed: ClassVar[list[str]] = []

        def running_groups(self) -> set[str]:
            return {"g", "of another experiment file"}

        def status(self, run: str) -> Status | None:
            return self.delivered[run]

        def close_group(self, group: str, status: Status) -> None:
            self.closed.append(group)

    server: Any = Server()
    folders, runs = {"g": store.checkpoints("e", "g")}, {"g": {0: "a", 1: "b"}}
    close_finished_groups(folders, runs, server)
    assert server.closed == []
    server.delivered["b"] = "diverged"
    close_finished_groups(folders, runs, server)
    assert server.closed == ["g"]


def test_sweep_stopped_in_a_block_resumes_there(sweep: Sweep, store: Store, tmp_path: Path) -> None:
    whole = find_store(str(tmp_path / "whole"))
    assert run_sweep(sweep, whole, train)[0] == 0

    def interrupted(number: int) -> Callable[[Task], TaskResult]:
        """Train, but begin only with the task of this number, and then press Ctrl-C."""
        tasks = itertools.count(1)

        def work(task: Task) -> TaskResult:
            if next(tasks) < number:
                return train(task)
            signal.raise_signal(signal.SIGINT)
            return begin(task)

        return work

    assert run_sweep(sweep, store, interrupted(2)) == (130, [("minimax", (0, 1)), ("hinge", (0, 1))])
    assert run_sweep(sweep, store, interrupted(2)) == (130, [("hinge", (0, 1)), ("minimax", (2, 3))])
    status, performed = run_sweep(sweep, store, train)
    assert (status, performed) == (0, [("minimax", (2, 3)), ("hinge", (2, 3))])
    assert numbers(store) == numbers(whole)


def test_sweep_whose_time_is_up_begins_no_other_block(
    sweep: Sweep, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_sweep(sweep, store, train, until=time.monotonic()) == (0, [("minimax", (0, 1))])
    output = capsys.readouterr().out
    assert "the time is up; 0 of 2 groups done (2 of 8 runs), 2 waiting. Run the same command again" in output
    [row] = [re.split(r"\s{2,}", line) for line in output.splitlines() if line.startswith("minimax  ")]
    assert row[5:7] == ["2", "0"], "the table counts the seeds that are done, and those that failed"
    assert status_session(sweep.plan, experiment="e", store=store) == 1
    output = capsys.readouterr().out
    assert "2 finished, 2 waiting" in output
    assert "4 waiting" in output
    assert "0 of 2 groups done (2 of 8 runs), 2 waiting, in experiment e" in output


def test_seeds_that_were_interrupted_together_resume_together(sweep: Sweep, store: Store, tmp_path: Path) -> None:
    """`block` was added to the file after all seeds of a group had begun."""
    at_once = dataclasses.replace(sweep, block=None).where({"loss": ["hinge"]})
    whole = find_store(str(tmp_path / "whole"))
    assert run_sweep(at_once, whole, train)[0] == 0
    assert run_sweep(at_once, store, begin)[0] == 0
    [checkpoint] = checkpoint_paths(store.checkpoints("e", at_once.specs[0].group_id))
    results = []

    def record(task: Task) -> TaskResult:
        results.append({status: len(numbers(store)) for status in tracked(store)})
        return train(task)

    in_blocks = dataclasses.replace(at_once, block=2)
    status, performed = run_sweep(in_blocks, store, record)
    assert (status, performed) == (0, [("hinge", (0, 1)), ("hinge", (2, 3))])
    assert results == [{"stopped": 4}, {"finished": 4}], "the first block finished all four"
    assert numbers(store) == numbers(whole)
    assert not checkpoint.exists()


def test_block_may_be_removed_or_changed_later(sweep: Sweep, store: Store) -> None:
    hinge = sweep.where({"loss": ["hinge"]})
    first = dataclasses.replace(hinge, seeds=(0, 1))
    assert run_sweep(first, store, begin)[0] == 0
    assert run_sweep(dataclasses.replace(hinge, block=3), store, train)[1] == [("hinge", (0, 1, 2)), ("hinge", (3,))]
    assert [run.tags["ensemble-seeds"] for run in read_runs(store, "e", history=False)] == [
        "0,1",
        "0,1",
        "2",
        "3",
    ]


def test_finished_blocks_of_an_export_are_not_repeated(sweep: Sweep, store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    run_sweep(sweep, store, train, until=time.monotonic(), export=Export(folder, store, "e"))
    other = find_store(str(tmp_path / "other"))
    at_once = dataclasses.replace(sweep, block=None)
    performed = run_sweep(at_once, other, train, export=Export(folder, other, "e"))[1]
    assert performed == [("minimax", (2, 3)), ("hinge", (0, 1, 2, 3))]
    assert len(Export(folder, other, "e").statuses()) == 8


def group_of(sweep: Sweep, store: Store, done: int) -> GroupStatus:
    """The first group, with so many finished seeds."""
    spec = sweep.specs[0]
    [group, _] = group_statuses(sweep.plan, {spec.run_id(seed): FINISHED for seed in range(done)}, store, "e")
    return group


def test_share_of_work_counts_seeds(sweep: Sweep, store: Store) -> None:
    group = group_of(sweep, store, done=2)
    assert (group.share_done, group.share_left, group.missing) == (0.5, 0.5, {1: (2, 3)})
    group.progress = Progress("here", 1, (2, 3), steps=40, step=20, began_step=0, began=0, at=1)
    assert (group.share_done, group.share_left) == (0.75, 0.25)
    shown = io.StringIO()
    Console(width=200, file=shown).print(overview([group], 200))
    assert "2 of 4 seeds done, step 20/40  20 steps/s" in shown.getvalue()
    assert counted([group]) == "0 of 1 groups done (2 of 4 runs), 1 at work"
    group.progress = Progress("here", 1, (7, 8), steps=40, step=20, began_step=0, began=0, at=1)
    assert group.share_done == 0.5, "others train other seeds of the group"
    group.progress, group.failed = None, {2}
    assert (group.share_done, group.share_left) == (0.5, 0.25)


def test_steps_of_an_earlier_process_say_nothing_about_the_time_left(
    sweep: Sweep, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    group = group_of(sweep, store, done=2)
    table = SweepTable([group], Console(width=200, file=io.StringIO()))
    for step, seconds, left in ((30, 0, None), (31, 5, "0:45"), (35, 20, "0:20")):  # 5 and then 4 seconds a step
        now = 1000.0 + seconds
        group.progress = Progress("here", 1, (2, 3), steps=40, step=step, began_step=30, began=1, at=2)
        table.refresh()
        assert table.summary().partition("about ")[2] == (f"{left} left" if left else "")
    group.progress = None
    group.statuses |= {2: FINISHED, 3: FINISHED}
    assert "left" not in table.summary()


def test_estimate_is_of_blocks_as_they_are_trained(
    sweep: Sweep, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    probed: list[Sequence[int]] = []

    def watched(spec: RunSpec, seeds: Sequence[int], *args: Any, **options: Any) -> Iterator[Snapshot]:
        probed.append(seeds)
        return trainer.train(spec, tuple(seeds), *args, **options)

    monkeypatch.setattr(time_estimate, "train", watched)
    dry_run_session(sweep, device="cpu", experiment="e", store=store)
    assert probed == [(0, 1)]
    output = capsys.readouterr().out
    assert "2 groups of 4 seeds in blocks of 2, 8 runs, in experiment e: about " in output
    assert " in all, 0:0" in output
    assert "for the next block of seeds" in output
    pace = Pace(work=1.0, quick=2.0, full=3.0)
    whole, rest = (pace.seconds(group_of(sweep, store, done)) for done in (0, 2))
    assert whole == group_of(sweep, store, 0).work + 2 * 4 * 2.0 + 4 * 3.0
    assert rest == whole / 2


def test_pace_of_a_block_holds_for_all_seeds(sweep: Sweep, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two blocks take twice as long as one, however much faster all seeds at once would be."""
    ticks = iter(range(100))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(ticks)))
    group = group_of(sweep, store, 0)
    data = group.spec.dataset.load(torch.device("cpu"), say=print)
    in_blocks = probe(group, data, torch.device("cpu"))
    ticks = iter(range(100))
    group.blocks = ((0, 1, 2, 3),)
    assert in_blocks.work == 2 * probe(group, data, torch.device("cpu")).work


@pytest.mark.parametrize(
    ("times", "at_once", "expected"),
    [([], 2, 0), ([3, 2], 1, 5), ([3, 2], 2, 3), ([1, 1, 10], 2, 11), ([4, 1, 1, 1], 2, 4), ([1, 1], 8, 1)],
)
def test_time_of_groups_at_once_is_that_of_the_last_to_end(times: list[float], at_once: int, expected: float) -> None:
    assert time_of_all(times, at_once) == expected
