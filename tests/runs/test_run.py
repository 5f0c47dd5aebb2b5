"""Running and resuming, with the process "killed" at every single thing that it does to the outside."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from matplotlib.figure import Figure
from torch import Tensor

from ganbench.core import plotting as plots
from ganbench.core.errors import GanbenchError
from ganbench.data.evaluators import Features
from ganbench.data.evaluators.classifier import to_bytes
from ganbench.data.labelled import LabelledImages
from ganbench.data.mnist import Mnist
from ganbench.evaluation import scorer
from ganbench.evaluation.metrics import METRICS
from ganbench.evaluation.protocols import Case, Protocol, Rule
from ganbench.evaluation.scorer import Scores
from ganbench.methods.losses.minimax import Minimax
from ganbench.runs import artifacts, ensemble_run, run
from ganbench.runs.checkpoint_record import CheckpointRecord
from ganbench.runs.job import Job
from ganbench.runs.mean_statistics import MeanStatistics
from ganbench.spec.run_spec import RunSpec
from ganbench.tracking import Status
from ganbench.tracking.memory import MemoryRunLog, MemoryTracker
from ganbench.training.checkpoint import load_checkpoint, older, save_checkpoint
from ganbench.training.trainer import Snapshot
from tests.conftest import random_data, small_spec

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
SEEDS = (0, 1, 2)


class QuickEvaluator:
    """Ten modes by brightness: no classifier, but a function of the images."""

    name, sha256 = "quick", "0"

    def __call__(self, samples: Tensor) -> Features:
        level = samples.flatten(1).mean(1)
        labels = ((level + 1) * 1e4).long() % 10
        return Features(
            samples=to_bytes(samples),
            embedding=samples.flatten(1)[:, ::97],
            labels=labels,
            modes=10,
            deviation=4 * level.abs()[:, None],
            good=torch.ones_like(labels, dtype=torch.bool),
            probabilities=None,
            confidence=torch.ones_like(level),
        )


@dataclasses.dataclass(frozen=True)
class Short(Protocol):
    """A handful of metrics, since hundreds of runs are scored here."""

    name = "short"

    def cases(self) -> Mapping[str, Case]:
        metrics = {name: METRICS.create({"name": name}) for name in ("fid", "modes", "hq", "kl")}
        return {"mnist": Case(1000, Rule("l2", 3.0), metrics, ("fid", "modes", "hq"))}


@dataclasses.dataclass(frozen=True)
class Fragile(Minimax):
    """Not finite from the moment that the critic of a seed sees through generated samples: for seed 0 at step 11."""

    name = "fragile"

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().critic_loss(real, fake) + torch.where(fake.mean() < -0.27, torch.nan, 0.0)


class Silent:
    """An observer who doesn't look."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def begin(self, seeds: Sequence[int], step: int) -> None: ...
    def progress(self, snapshot: Snapshot) -> None: ...
    def scored(self, step: int, scores: Mapping[int, Scores]) -> None: ...
    def say(self, line: str) -> None:
        self.lines.append(line)


class KilledError(BaseException):
    """The process is gone. Whatever it would do afterwards fails too."""


class Fuse:
    """Burns at the n-th action."""

    def __init__(self, actions: int) -> None:
        self.left = actions

    def act(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise KilledError


class MortalTracker(MemoryTracker):
    """A tracker whose process is killed just before, or just after, an action."""

    def __init__(self, runs: dict[str, MemoryRunLog], fuse: Fuse) -> None:
        super().__init__(runs)
        self.fuse = fuse

    def open(self, *heads: Any) -> Any:
        self.fuse.act()
        log, fuse = super().open(*heads), self.fuse

        class Mortal:
            def __getattr__(self, name: str) -> Any:
                def call(*arguments: Any) -> Any:
                    fuse.act()
                    result = getattr(log, name)(*arguments)
                    fuse.act()
                    return result

                return call

        return Mortal()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setattr(Mnist, "evaluator", lambda self, device: QuickEvaluator())
    monkeypatch.setattr(scorer, "cache_folder", lambda: cache)
    # Half of the time would go into plots, which this tracker throws away.
    monkeypatch.setattr(artifacts, "timeline_figure", lambda *arguments: Figure())
    monkeypatch.setattr(plots, "mode_histogram", lambda *arguments: Figure())


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where floors are kept: not among those of real runs."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def data() -> LabelledImages:
    return random_data()


def short_spec(**settings: object) -> RunSpec:
    return dataclasses.replace(small_spec(**settings), protocol=Short())


@pytest.fixture
def spec() -> RunSpec:
    """Of its three seeds one diverges on the way."""
    return dataclasses.replace(short_spec(train={"steps": 20}, evaluation={"every": 5}), loss=Fragile())


def go(
    spec: RunSpec, seeds: tuple[int, ...], data: LabelledImages, tracker: MemoryTracker, folder: Path, **options: Any
) -> dict[int, Status]:
    stop = options.pop("stop", threading.Event())
    return run.run(Job(spec, seeds, CPU, folder, **options), data, tracker, Silent(), stop)


def outcome(tracker: MemoryTracker) -> dict[str, Any]:
    """All that is tracked, but for times."""
    return {
        run_id: (
            log.state,
            log.ended_at,
            {key: value for key, value in log.numbers.items() if key[0] != "train/seconds"},
            {key: pixels.tobytes() for key, pixels in log.images.items()},
            log.words,
            log.files.keys(),
            log.files.get("samples/samples.npy"),
            log.files.get("timeline/timeline.json"),
        )
        for run_id, log in tracker.runs.items()
    }


def kill_and_resume(
    spec: RunSpec, data: LabelledImages, folder: Path, monkeypatch: pytest.MonkeyPatch, *, stride: int = 1
) -> tuple[MemoryTracker, int]:
    """The uninterrupted run, and how often it was killed: at every `stride`-th action, and resumed to the same end."""
    whole = MemoryTracker()
    statuses = go(spec, SEEDS, data, whole, folder / "whole")
    kills = 0
    for actions in range(0, 1000, stride):
        fuse, place, runs = Fuse(actions), folder / str(actions), dict[str, MemoryRunLog]()

        def save(*arguments: Any, fuse: Fuse = fuse) -> None:
            fuse.act()
            save_checkpoint(*arguments)
            fuse.act()

        with monkeypatch.context() as patch:
            patch.setattr(ensemble_run, "save_checkpoint", save)
            try:
                go(spec, SEEDS, data, MortalTracker(runs, fuse), place)
            except KilledError:
                kills += 1
            else:
                break
        resumed = MemoryTracker(runs)
        assert go(spec, SEEDS, data, resumed, place) == statuses, actions
        assert outcome(resumed) == outcome(whole), actions
        assert list(place.glob("*.safetensors")) == []
    return whole, kills


def test_wherever_the_process_is_killed_the_resumed_run_is_the_uninterrupted_one(
    spec: RunSpec, data: LabelledImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, kills = kill_and_resume(spec, data, tmp_path, monkeypatch)
    assert sorted(log.state for log in whole.runs.values()) == ["diverged", "finished", "finished"]
    assert kills > 60
    (diverged,) = (log for log in whole.runs.values() if log.state == "diverged")
    assert diverged.numbers["event/divergence", diverged.ended_at] == 1
    assert f"divergence at {diverged.ended_at}" in diverged.words["events"]
    assert diverged.words["accelerated"] == "no, because steps are only recorded on a GPU"
    for log in whole.runs.values():
        assert {"timeline/timeline.json", "timeline.png"} <= set(log.files)
        kinds = {name.removeprefix("event/") for name, _ in log.numbers if name.startswith("event/")}
        assert kinds == {told.partition(" at ")[0] for told in log.words["events"].split("; ")}


def test_a_seed_that_stays_collapsed_is_given_up_scored_and_not_taken_up_again(
    data: LabelledImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve steps teach a generator nothing: its images are alike, and it has a look at steps 3, 6, 9 and 12."""
    settings = {"every": 3, "stop_on": "collapse", "patience": 3}
    spec = short_spec(train={"steps": 12}, evaluation=settings)
    whole, kills = kill_and_resume(spec, data, tmp_path, monkeypatch, stride=4)
    assert kills > 10
    for log in whole.runs.values():
        assert (log.state, log.ended_at) == ("collapsed", 9)
        assert {step for name, step in log.numbers if name == "quick/fid"} == {3, 6, 9}
        assert {step for name, step in log.numbers if name == "fid"} == {9}, "the full score, where it was given up"
        assert log.numbers["sample_count", 9] == spec.evaluation.samples
        assert "samples/samples.npy" in log.files
    before = outcome(whole)
    assert set(go(spec, SEEDS, data, whole, tmp_path / "whole").values()) == {"collapsed"}
    assert outcome(whole) == before
    patient = dataclasses.replace(spec, evaluation=dataclasses.replace(spec.evaluation, patience=5))
    assert set(go(patient, SEEDS, data, MemoryTracker(), tmp_path / "patient").values()) == {"finished"}


def test_a_time_is_tracked_once(spec: RunSpec, data: LabelledImages, tmp_path: Path) -> None:
    """The seconds of an evaluation are part of what was found then; a resumed run tracks the same ones."""
    runs: dict[str, MemoryRunLog] = {}
    with pytest.raises(KilledError):
        go(spec, SEEDS, data, MortalTracker(runs, Fuse(40)), tmp_path)
    killed = MemoryTracker(runs)
    before = {(r, key): v for r, log in runs.items() for key, v in log.numbers.items() if key[0] == "train/seconds"}
    assert before
    go(spec, SEEDS, data, killed, tmp_path)
    after = {(r, key): v for r, log in runs.items() for key, v in log.numbers.items() if key[0] == "train/seconds"}
    assert before.items() <= after.items()


def test_a_wish_to_stop_before_the_first_step_is_heard(spec: RunSpec, data: LabelledImages, tmp_path: Path) -> None:
    stop, tracker = threading.Event(), MemoryTracker()
    stop.set()
    assert set(go(spec, SEEDS, data, tracker, tmp_path, stop=stop).values()) == {"stopped"}
    whole = MemoryTracker()
    assert go(spec, SEEDS, data, tracker, tmp_path) == go(spec, SEEDS, data, whole, tmp_path / "whole")
    assert outcome(tracker) == outcome(whole)


def stopped(spec: RunSpec, seeds: tuple[int, ...], data: LabelledImages, tracker: MemoryTracker, folder: Path) -> None:
    stop = threading.Event()
    stop.set()
    go(spec, seeds, data, tracker, folder, stop=stop)


def test_an_interrupted_ensemble_goes_on_whole_and_new_seeds_beside_it(data: LabelledImages, tmp_path: Path) -> None:
    spec, tracker = short_spec(), MemoryTracker()
    stopped(spec, (0, 1), data, tracker, tmp_path)
    assert go(spec, (1, 2), data, tracker, tmp_path) == {1: "finished", 2: "finished"}
    assert {log.head.tags["seed"]: log.state for log in tracker.runs.values()} == {
        "0": "finished",
        "1": "finished",
        "2": "finished",
    }


def test_force_does_not_throw_away_what_others_were_interrupted_with(data: LabelledImages, tmp_path: Path) -> None:
    spec, tracker = short_spec(), MemoryTracker()
    stopped(spec, (0, 1), data, tracker, tmp_path)
    with pytest.raises(GanbenchError, match="seeds 0 were interrupted together"):
        go(spec, (1,), data, tracker, tmp_path, force=True)
    assert len(tracker.runs) == 2
    assert go(spec, (0, 1), data, tracker, tmp_path, force=True) == {0: "finished", 1: "finished"}


def test_force_gets_past_a_corrupt_checkpoint(data: LabelledImages, tmp_path: Path) -> None:
    spec, tracker = short_spec(), MemoryTracker()
    stopped(spec, (0,), data, tracker, tmp_path)
    (path,) = tmp_path.glob("*.safetensors")
    path.write_bytes(b"broken")
    with pytest.raises(GanbenchError, match="truncated or altered"):
        go(spec, (0,), data, tracker, tmp_path)
    assert go(spec, (0,), data, tracker, tmp_path, force=True) == {0: "finished"}


def test_a_broken_checkpoint_is_told_of_and_the_one_before_leads_to_the_same_end(
    spec: RunSpec, data: LabelledImages, tmp_path: Path
) -> None:
    whole, tracker = MemoryTracker(), MemoryTracker()
    go(spec, SEEDS, data, whole, tmp_path / "whole")
    with pytest.raises(KilledError):
        go(spec, SEEDS, data, MortalTracker(tracker.runs, Fuse(60)), tmp_path)
    (path,) = tmp_path.glob("*.safetensors")
    assert older(path).exists()
    path.write_bytes(path.read_bytes()[:-100])
    observer = Silent()
    run.run(Job(spec, SEEDS, CPU, tmp_path), data, tracker, observer, threading.Event())
    assert any("going on from the one before it" in line for line in observer.lines)
    assert outcome(tracker) == outcome(whole)
    assert not [path for path in tmp_path.iterdir() if path.suffix in (".safetensors", ".older")]


def test_checkpoints_of_another_version_or_another_spec_are_refused(data: LabelledImages, tmp_path: Path) -> None:
    spec, tracker = short_spec(), MemoryTracker()
    stopped(spec, (0,), data, tracker, tmp_path)
    (path,) = tmp_path.glob("*.safetensors")
    checkpoint = load_checkpoint(path)
    save_checkpoint(path, checkpoint.tensors, {"seeds": [0], "something": "else"})
    with pytest.raises(GanbenchError, match="of another version"):
        go(spec, (0,), data, tracker, tmp_path)
    save_checkpoint(path, dict(list(checkpoint.tensors.items())[1:]), checkpoint.record)
    with pytest.raises(GanbenchError, match="doesn't fit"):
        go(spec, (0,), data, tracker, tmp_path)
    assert {log.state for log in tracker.runs.values()} == {"stopped"}


def test_the_record_of_a_checkpoint_has_the_fields_that_it_always_had() -> None:
    """With other fields, runs that an earlier version was interrupted in could not be resumed."""
    names = "seeds step seconds looks sums metrics diverged collapsed history"
    assert [field.name for field in dataclasses.fields(CheckpointRecord)] == names.split()


def test_means_do_not_depend_on_an_interruption() -> None:
    statistics = [{"loss": torch.tensor([0.1 * step, step / 3])} for step in range(5)]
    whole, first = MeanStatistics({}, 0), MeanStatistics({}, 0)
    for each in statistics:
        whole.add(each)
    for each in statistics[:2]:
        first.add(each)
    second = MeanStatistics(json.loads(json.dumps(first.sums())), first.count)
    for each in statistics[2:]:
        second.add(each)
    assert second.take() == whole.take()
    assert (whole.sums(), whole.count) == ({}, 0), "the next means begin anew"


def test_a_failing_loss_closes_its_runs(data: LabelledImages, tmp_path: Path) -> None:
    @dataclasses.dataclass(frozen=True)
    class Broken(Minimax):
        name = "broken"

        def generator_loss(self, fake: Tensor, real: Tensor) -> Tensor:
            raise ZeroDivisionError

    tracker = MemoryTracker()
    with pytest.raises(ZeroDivisionError):
        go(dataclasses.replace(short_spec(), loss=Broken()), (0, 1), data, tracker, tmp_path)
    assert {log.state for log in tracker.runs.values()} == {"stopped"}


def test_a_plug_in_that_was_mended_makes_other_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = dataclasses.replace(short_spec(), loss=Fragile())
    before = spec.run_id(0)
    monkeypatch.setattr(Fragile, "code_sha256", classmethod(lambda cls: "other"))
    assert spec.run_id(0) != before
