"""Resuming elsewhere: the numbers are those of the uninterrupted run, or the run says that they aren't."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from ganbench.core.errors import GanbenchError
from ganbench.data.labelled import LabelledImages
from ganbench.data.mnist import Mnist
from ganbench.evaluation import scorer
from ganbench.runs import ensemble_run, environment, run
from ganbench.runs.checkpoint_record import ADDED
from ganbench.runs.environment import changes
from ganbench.runs.job import Job
from ganbench.spec.run_spec import RunSpec
from ganbench.tracking import RESUMED_WITH, Status
from ganbench.tracking.memory import MemoryTracker
from ganbench.training.checkpoint import load_checkpoint, save_checkpoint
from ganbench.training.trainer import Snapshot
from tests.conftest import random_data
from tests.runs.test_run import CPU, QuickEvaluator, Silent, short_spec

SEEDS = (0, 1)


class Listener(Silent):
    """An observer that also notes the number of threads at each step, and can stop the run."""

    def __init__(self, stop_at: int | None = None) -> None:
        super().__init__()
        self.threads: set[int] = set()
        self.stop = threading.Event()
        self._stop_at = stop_at

    def progress(self, snapshot: Snapshot) -> None:
        self.threads.add(torch.get_num_threads())
        if snapshot.step == self._stop_at:
            self.stop.set()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Mnist, "evaluator", lambda self, device: QuickEvaluator())
    monkeypatch.setattr(scorer, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(environment, "own_cores", lambda: 4)


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data() -> LabelledImages:
    return random_data()


def train(
    spec: RunSpec,
    data: LabelledImages,
    tracker: MemoryTracker,
    folder: Path,
    observer: Listener,
    *,
    force: bool = False,
) -> dict[int, Status]:
    return run.run(Job(spec, SEEDS, CPU, folder, force), data, tracker, observer, observer.stop)


def interrupt(spec: RunSpec, data: LabelledImages, tracker: MemoryTracker, folder: Path) -> Path:
    """Train half of a run, and return its checkpoint."""
    assert set(train(spec, data, tracker, folder, Listener(stop_at=6)).values()) == {"stopped"}
    (path,) = folder.glob("*.safetensors")
    return path


def tags(tracker: MemoryTracker) -> set[str | None]:
    return {log.words.get(RESUMED_WITH) for log in tracker.runs.values()}


def numbers(tracker: MemoryTracker) -> dict[Any, float]:
    return {
        (run_id, *key): value
        for run_id, log in tracker.runs.items()
        for key, value in log.numbers.items()
        if key[0] != "train/seconds"
    }


def test_run_resumes_with_the_number_of_threads_it_began_with(data: LabelledImages, tmp_path: Path) -> None:
    spec, uninterrupted, resumed = short_spec(), MemoryTracker(), MemoryTracker()
    train(spec, data, uninterrupted, tmp_path / "whole", Listener())
    interrupt(spec, data, resumed, tmp_path / "parts")
    torch.set_num_threads(2)
    observer = Listener()
    assert set(train(spec, data, resumed, tmp_path / "parts", observer).values()) == {"finished"}
    assert observer.threads == {1}
    assert torch.get_num_threads() == 2, "other runs of this process keep theirs"
    assert [line for line in observer.lines if "resuming with 1 CPU thread, as before, not 2" in line]
    assert tags(resumed) == {None}
    assert numbers(resumed) == numbers(uninterrupted)


def test_run_that_cannot_have_as_many_threads_is_tagged(data: LabelledImages, tmp_path: Path) -> None:
    spec, tracker = short_spec(), MemoryTracker()
    path = interrupt(spec, data, tracker, tmp_path)
    checkpoint = load_checkpoint(path)
    began = [{**checkpoint.record["environments"][0], "threads": "5"}]
    save_checkpoint(path, checkpoint.tensors, {**checkpoint.record, "environments": began})
    observer = Listener()
    train(spec, data, tracker, tmp_path, observer)
    assert observer.threads == {1}
    assert [line for line in observer.lines if "resuming with threads 5 → 1" in line]
    assert tags(tracker) == {"threads 5 → 1"}


@pytest.mark.parametrize("name", ["device", "instructions", "torch"])
def test_run_resumed_in_another_environment_says_so_and_is_tagged(
    data: LabelledImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    spec, tracker, here = short_spec(), MemoryTracker(), environment.environment(CPU)
    interrupt(spec, data, tracker, tmp_path)
    assert tags(tracker) == {None}
    for value in ("a", "b", "b"):
        monkeypatch.setattr(ensemble_run, "environment", lambda device, value=value: {**here, name: value})
        stop = Listener(stop_at=6)
        train(spec, data, tracker, tmp_path, stop)
        last = [line for line in stop.lines if "not be those of an uninterrupted run" in line]
    assert not last, "an environment is announced once"
    observer = Listener()
    assert set(train(spec, data, tracker, tmp_path, observer).values()) == {"finished"}
    assert tags(tracker) == {f"{name} {here[name]} → a; {name} a → b"}


def test_uninterrupted_and_unmoved_runs_are_not_tagged(data: LabelledImages, tmp_path: Path) -> None:
    spec, tracker = short_spec(), MemoryTracker()
    path = interrupt(spec, data, tracker, tmp_path)
    assert load_checkpoint(path).record["environments"] == [environment.environment(CPU)]
    observer = Listener()
    train(spec, data, tracker, tmp_path, observer)
    assert (tags(tracker), observer.lines) == ({None}, [])


def test_changes_name_what_differs() -> None:
    cpu = {"device": "cpu", "threads": "2", "torch": "2.9"}
    assert changes([cpu]) == []
    assert changes([cpu, {**cpu, "torch": "3.0"}, {"device": "H100", "torch": "3.0"}]) == [
        "torch 2.9 → 3.0",
        "device cpu → H100, threads 2 → none",
    ]


def test_checkpoint_of_an_earlier_version_is_resumed(data: LabelledImages, tmp_path: Path) -> None:
    spec, uninterrupted, resumed = short_spec(), MemoryTracker(), MemoryTracker()
    train(spec, data, uninterrupted, tmp_path / "whole", Listener())
    path = interrupt(spec, data, resumed, tmp_path / "parts")
    checkpoint = load_checkpoint(path)
    earlier = {name: value for name, value in checkpoint.record.items() if name not in ADDED}
    save_checkpoint(path, checkpoint.tensors, earlier)
    assert set(train(spec, data, resumed, tmp_path / "parts", Listener()).values()) == {"finished"}
    assert numbers(resumed) == numbers(uninterrupted)


@pytest.mark.parametrize(
    ("change", "finished"),
    [
        ({"train": {"generator_lr": 0.01}}, False),
        ({"evaluation": {"every": 3}}, False),
        ({"train": {"steps": 24}}, True),
    ],
)
def test_checkpoint_of_another_spec_with_the_same_networks_is_refused(
    data: LabelledImages, tmp_path: Path, change: dict[str, Any], finished: bool
) -> None:
    own, other, tracker = short_spec(), short_spec(**change), MemoryTracker()
    if finished:
        train(own, data, tracker, tmp_path / "own", Listener())
    before = numbers(tracker)
    foreign = interrupt(other, data, MemoryTracker(), tmp_path / "other")
    (tmp_path / "own").mkdir(exist_ok=True)
    copy = Path(shutil.copy(foreign, tmp_path / "own"))
    with pytest.raises(GanbenchError, match=f"is of another spec \\({other.group_id}, not {own.group_id}\\)"):
        train(own, data, tracker, tmp_path / "own", Listener())
    assert numbers(tracker) == before
    assert copy.exists(), "it may be the only one of its run"
    assert set(train(own, data, tracker, tmp_path / "own", Listener(), force=True).values()) == {"finished"}
