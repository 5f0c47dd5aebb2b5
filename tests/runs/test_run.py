"""Running and resuming, with the process "killed" before and after every external action."""

from __future__ import annotations

import dataclasses
import json
import math
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from matplotlib.figure import Figure
from safetensors.torch import load
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
from ganbench.runs.best_weights import BestWeights
from ganbench.runs.checkpoint_record import ADDED, CheckpointRecord
from ganbench.runs.job import Job
from ganbench.runs.mean_statistics import MeanStatistics
from ganbench.spec.run_spec import RunSpec
from ganbench.tracking import RunInfo, Status
from ganbench.tracking.memory import MemoryRunLog, MemoryTracker
from ganbench.training.checkpoint import load_checkpoint, older, save_checkpoint
from ganbench.training.trainer import Snapshot
from tests.conftest import random_data, small_spec

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
SEEDS = (0, 1, 2)


class QuickEvaluator:
    """Ten modes by brightness: a plain function of the images, without a classifier."""

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
    """A protocol with few metrics, since hundreds of runs are scored here."""

    name = "short"

    def cases(self) -> Mapping[str, Case]:
        metrics = {name: METRICS.create({"name": name}) for name in ("fid", "modes", "hq", "kl")}
        return {"mnist": Case(1000, Rule("l2", 3.0), metrics, ("fid", "modes", "hq"))}


@dataclasses.dataclass(frozen=True)
class Fragile(Minimax):
    """A loss that becomes NaN once the discriminator recognises generated samples: for seed 0 at step 11."""

    name = "fragile"

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().critic_loss(real, fake) + torch.where(fake.mean() < -0.27, torch.nan, 0.0)


class Silent:
    """An observer that only stores its messages."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def begin(self, seeds: Sequence[int], step: int) -> None: ...
    def progress(self, snapshot: Snapshot) -> None: ...
    def scored(self, step: int, scores: Mapping[int, Scores]) -> None: ...
    def say(self, line: str) -> None:
        self.lines.append(line)


class KilledError(BaseException):
    """The process is gone: every later action fails too."""


class Fuse:
    """Raise `KilledError` after the given number of actions."""

    def __init__(self, actions: int) -> None:
        self.left = actions

    def act(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise KilledError


class MortalTracker(MemoryTracker):
    """A tracker whose process can be killed just before or just after any action."""

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
    # Plots would take half of the time, and this tracker discards them.
    monkeypatch.setattr(artifacts, "timeline_figure", lambda *arguments: Figure())
    monkeypatch.setattr(plots, "mode_histogram", lambda *arguments: Figure())


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A separate cache for floors, so that those of real runs are not touched."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def data() -> LabelledImages:
    return random_data()


def short_spec(**settings: object) -> RunSpec:
    return dataclasses.replace(small_spec(**settings), protocol=Short())


@pytest.fixture
def spec() -> RunSpec:
    """A spec with one of three seeds diverging during training."""
    return dataclasses.replace(short_spec(train={"steps": 15}, evaluation={"every": 5}), loss=Fragile())


def train(
    spec: RunSpec, seeds: tuple[int, ...], data: LabelledImages, tracker: MemoryTracker, folder: Path, **options: Any
) -> dict[int, Status]:
    stop = options.pop("stop", threading.Event())
    return run.run(Job(spec, seeds, CPU, folder, **options), data, tracker, Silent(), stop)


def tracked(tracker: MemoryTracker) -> dict[str, Any]:
    """Everything tracked, except times."""
    return {
        run_id: (
            log.state,
            log.ended_at,
            {key: value for key, value in log.numbers.items() if key[0] != "train/seconds"},
            {key: pixels.tobytes() for key, pixels in log.images.items()},
            log.words,
            log.files.keys(),
            log.files.get("samples/samples.npy"),
            best_weights(log),
            log.files.get("timeline/timeline.json"),
        )
        for run_id, log in tracker.runs.items()
    }


def kill_and_resume(
    spec: RunSpec,
    data: LabelledImages,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    stride: int = 1,
    keep: str = "",
) -> tuple[MemoryTracker, int]:
    """Kill a run at every `stride`-th action and resume it; return the uninterrupted run and the number of kills."""
    uninterrupted = MemoryTracker()
    statuses = train(spec, SEEDS, data, uninterrupted, folder / "whole", keep=keep)
    kills = 0
    for actions in range(0, 1000, stride):
        fuse, subfolder, runs = Fuse(actions), folder / str(actions), dict[str, MemoryRunLog]()

        def save(*arguments: Any, fuse: Fuse = fuse) -> None:
            fuse.act()
            save_checkpoint(*arguments)
            fuse.act()

        with monkeypatch.context() as patch:
            patch.setattr(ensemble_run, "save_checkpoint", save)
            try:
                train(spec, SEEDS, data, MortalTracker(runs, fuse), subfolder, keep=keep)
            except KilledError:
                kills += 1
            else:
                break
        resumed = MemoryTracker(runs)
        assert train(spec, SEEDS, data, resumed, subfolder, keep=keep) == statuses, actions
        assert tracked(resumed) == tracked(uninterrupted), actions
        assert list(subfolder.glob("*.safetensors")) == []
    return uninterrupted, kills


def test_run_resumed_after_any_kill_equals_the_uninterrupted_run(
    spec: RunSpec, data: LabelledImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uninterrupted, kills = kill_and_resume(spec, data, tmp_path, monkeypatch)
    assert sorted(log.state for log in uninterrupted.runs.values()) == ["diverged", "finished", "finished"]
    assert kills > 60
    (diverged,) = (log for log in uninterrupted.runs.values() if log.state == "diverged")
    assert diverged.numbers["event/divergence", diverged.ended_at] == 1
    assert f"divergence at {diverged.ended_at}" in diverged.words["events"]
    assert diverged.words["accelerated"] == "no, because steps are only recorded on a GPU"
    for log in uninterrupted.runs.values():
        assert {"timeline/timeline.json", "timeline.png"} <= set(log.files)
        kinds = {name.removeprefix("event/") for name, _ in log.numbers if name.startswith("event/")}
        assert kinds == {event.partition(" at ")[0] for event in log.words["events"].split("; ")}


def test_best_weights_survive_any_kill_and_change_nothing_else(
    spec: RunSpec, data: LabelledImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, kills = kill_and_resume(spec, data, tmp_path, monkeypatch, stride=9, keep="fid")
    assert kills > 6
    steps = set()
    for log in kept.runs.values():
        values = {step: value for (name, step), value in log.numbers.items() if name == "quick/fid"}
        facts = metadata(log.files["checkpoint/best.safetensors"])
        steps.add(int(facts["step"]))
        assert (int(facts["step"]), float(facts["fid"])) == min(values.items(), key=lambda item: (item[1], item[0]))
        assert facts["seed"] == log.head.tags["seed"]
    assert min(steps) < 15, "else the last weights would do"
    plain = MemoryTracker()
    train(spec, SEEDS, data, plain, tmp_path / "plain")
    for log in kept.runs.values():
        del log.files["checkpoint/best.safetensors"]
    assert tracked(plain) == tracked(kept)


def best_weights(log: MemoryRunLog) -> object:
    """The best weights of a run as plain values; their metadata are written in any order."""
    content = log.files.get("checkpoint/best.safetensors")
    return content and (metadata(content), {name: tensor.tolist() for name, tensor in load(content).items()})


def metadata(content: bytes) -> dict[str, str]:
    """The metadata of a safetensors file."""
    length = int.from_bytes(content[:8], "little")
    facts: dict[str, str] = json.loads(content[8 : 8 + length])["__metadata__"]
    return facts


def test_interrupted_run_keeps_its_best_weights_by_the_metric_that_it_began_with(
    spec: RunSpec, data: LabelledImages, tmp_path: Path
) -> None:
    whole, cut = MemoryTracker(), MemoryTracker()
    train(spec, SEEDS, data, whole, tmp_path / "whole", keep="fid")
    with pytest.raises(KilledError):
        train(spec, SEEDS, data, MortalTracker(cut.runs, Fuse(40)), tmp_path / "cut", keep="fid")
    with pytest.raises(GanbenchError, match="begun with keep best:fid, so the best evaluation by 'hq' is not"):
        train(spec, SEEDS, data, cut, tmp_path / "cut", keep="hq")
    train(spec, SEEDS, data, cut, tmp_path / "cut")  # without the option
    assert tracked(cut) == tracked(whole)
    begun = MemoryTracker()
    with pytest.raises(KilledError):
        train(spec, SEEDS, data, MortalTracker(begun.runs, Fuse(40)), tmp_path / "begun")
    with pytest.raises(GanbenchError, match="training of seeds 0, 1 and 2 was begun without keep"):
        train(spec, SEEDS, data, begun, tmp_path / "begun", keep="fid")
    stop = threading.Event()
    stop.set()
    early = MemoryTracker()
    train(spec, SEEDS, data, early, tmp_path / "early", stop=stop)
    train(spec, SEEDS, data, early, tmp_path / "early", keep="fid")
    assert tracked(early) == tracked(whole), "nothing had been evaluated"


@pytest.mark.parametrize(
    ("metric", "values", "best"),
    [
        ("fid", [3.0, math.nan, 2.0, 2.0], 2),  # lower
        ("modes", [math.nan, 5.0, 7.0, 6.0], 2),  # higher
        ("width", [0.2, 1.5, 1.1, 0.8], 2),  # nearer to real data, here 1
        ("fid", [math.nan, math.nan], None),
    ],
)
def test_direction_of_the_metric_says_what_is_best(metric: str, values: list[float], best: int | None) -> None:
    case = Case(1000, Rule(), {metric: METRICS.create({"name": metric})}, (metric,))
    record, log = CheckpointRecord([0]), MemoryRunLog(RunInfo("a", "a", {}))
    kept, made = BestWeights(metric, case, record, {}), list[int]()

    def weights() -> dict[str, torch.Tensor]:
        made.append(record.step)
        return {"w": torch.tensor([float(record.step)])}

    BestWeights("", case, CheckpointRecord([0]), {}).offer(0, {}, weights)
    for step, value in enumerate(values):
        record.step = step
        kept.offer(0, {f"quick/{metric}": value, f"quick/floor/{metric}": 1.0}, weights)
    assert made[-1:] == ([] if best is None else [best]), "weights are made only if they are kept"
    assert len(made) < len(values)
    restored = BestWeights("", case, CheckpointRecord(**json.loads(json.dumps(vars(record)))), kept.tensors())
    restored.track(log, 0)
    assert (restored.in_words(0) == "") == (best is None)
    if best is None:
        assert log.files == {}
    else:
        assert metadata(log.files["checkpoint/best.safetensors"])["step"] == str(best)
        assert load(log.files["checkpoint/best.safetensors"])["w"] == best


def test_collapsed_seed_is_stopped_scored_and_not_resumed(
    data: LabelledImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After twelve steps a generator is still collapsed; it is evaluated at steps 3, 6, 9 and 12."""
    settings = {"every": 3, "stop_on": "collapse", "patience": 3}
    spec = short_spec(train={"steps": 12}, evaluation=settings)
    uninterrupted, kills = kill_and_resume(spec, data, tmp_path, monkeypatch, stride=4)
    assert kills > 10
    for log in uninterrupted.runs.values():
        assert (log.state, log.ended_at) == ("collapsed", 9)
        assert {step for name, step in log.numbers if name == "quick/fid"} == {3, 6, 9}
        assert {step for name, step in log.numbers if name == "fid"} == {9}, (
            "the final score is computed at the step where training was stopped"
        )
        assert log.numbers["sample_count", 9] == spec.evaluation.samples
        assert "samples/samples.npy" in log.files
    before = tracked(uninterrupted)
    assert set(train(spec, SEEDS, data, uninterrupted, tmp_path / "whole").values()) == {"collapsed"}
    assert tracked(uninterrupted) == before
    patient = dataclasses.replace(spec, evaluation=dataclasses.replace(spec.evaluation, patience=5))
    assert set(train(patient, SEEDS, data, MemoryTracker(), tmp_path / "patient").values()) == {"finished"}


def test_resumed_run_tracks_the_times_of_its_checkpoint(spec: RunSpec, data: LabelledImages, tmp_path: Path) -> None:
    """The seconds of an evaluation are saved with it, so a resumed run tracks the same values."""
    runs: dict[str, MemoryRunLog] = {}
    with pytest.raises(KilledError):
        train(spec, SEEDS, data, MortalTracker(runs, Fuse(40)), tmp_path)
    killed = MemoryTracker(runs)
    before = {(r, key): v for r, log in runs.items() for key, v in log.numbers.items() if key[0] == "train/seconds"}
    assert before
    train(spec, SEEDS, data, killed, tmp_path)
    after = {(r, key): v for r, log in runs.items() for key, v in log.numbers.items() if key[0] == "train/seconds"}
    assert before.items() <= after.items()


def test_run_stopped_before_the_first_step_resumes_to_the_same_result(
    spec: RunSpec, data: LabelledImages, tmp_path: Path
) -> None:
    stop, tracker = threading.Event(), MemoryTracker()
    stop.set()
    assert set(train(spec, SEEDS, data, tracker, tmp_path, stop=stop).values()) == {"stopped"}
    uninterrupted = MemoryTracker()
    assert train(spec, SEEDS, data, tracker, tmp_path) == train(spec, SEEDS, data, uninterrupted, tmp_path / "whole")
    assert tracked(tracker) == tracked(uninterrupted)


def train_and_stop(
    spec: RunSpec, seeds: tuple[int, ...], data: LabelledImages, tracker: MemoryTracker, folder: Path
) -> None:
    stop = threading.Event()
    stop.set()
    train(spec, seeds, data, tracker, folder, stop=stop)


def test_interrupted_ensemble_resumes_as_a_whole_next_to_new_seeds(data: LabelledImages, tmp_path: Path) -> None:
    spec, tracker = short_spec(), MemoryTracker()
    train_and_stop(spec, (0, 1), data, tracker, tmp_path)
    assert train(spec, (1, 2), data, tracker, tmp_path) == {1: "finished", 2: "finished"}
    assert {log.head.tags["seed"]: log.state for log in tracker.runs.values()} == {
        "0": "finished",
        "1": "finished",
        "2": "finished",
    }


def test_force_does_not_discard_the_checkpoint_of_other_seeds(data: LabelledImages, tmp_path: Path) -> None:
    spec, tracker = short_spec(), MemoryTracker()
    train_and_stop(spec, (0, 1), data, tracker, tmp_path)
    with pytest.raises(GanbenchError, match="seeds 0 were interrupted together"):
        train(spec, (1,), data, tracker, tmp_path, force=True)
    assert len(tracker.runs) == 2
    assert train(spec, (0, 1), data, tracker, tmp_path, force=True) == {0: "finished", 1: "finished"}


def test_force_ignores_a_corrupt_checkpoint(data: LabelledImages, tmp_path: Path) -> None:
    spec, tracker = short_spec(), MemoryTracker()
    train_and_stop(spec, (0,), data, tracker, tmp_path)
    (path,) = tmp_path.glob("*.safetensors")
    path.write_bytes(b"broken")
    with pytest.raises(GanbenchError, match="truncated or altered"):
        train(spec, (0,), data, tracker, tmp_path)
    assert train(spec, (0,), data, tracker, tmp_path, force=True) == {0: "finished"}


def test_damaged_checkpoint_is_reported_and_the_previous_one_gives_the_same_result(
    spec: RunSpec, data: LabelledImages, tmp_path: Path
) -> None:
    uninterrupted, tracker = MemoryTracker(), MemoryTracker()
    train(spec, SEEDS, data, uninterrupted, tmp_path / "whole")
    with pytest.raises(KilledError):
        train(spec, SEEDS, data, MortalTracker(tracker.runs, Fuse(60)), tmp_path)
    (path,) = tmp_path.glob("*.safetensors")
    assert older(path).exists()
    path.write_bytes(path.read_bytes()[:-100])
    observer = Silent()
    run.run(Job(spec, SEEDS, CPU, tmp_path), data, tracker, observer, threading.Event())
    assert any("resuming from the one before it" in line for line in observer.lines)
    assert tracked(tracker) == tracked(uninterrupted)
    assert not [path for path in tmp_path.iterdir() if path.suffix in (".safetensors", ".older")]


def test_checkpoints_of_another_version_or_spec_are_rejected(data: LabelledImages, tmp_path: Path) -> None:
    spec, tracker = short_spec(), MemoryTracker()
    train_and_stop(spec, (0,), data, tracker, tmp_path)
    (path,) = tmp_path.glob("*.safetensors")
    checkpoint = load_checkpoint(path)
    save_checkpoint(path, checkpoint.tensors, {"seeds": [0], "something": "else"})
    with pytest.raises(GanbenchError, match="of another version"):
        train(spec, (0,), data, tracker, tmp_path)
    save_checkpoint(path, dict(list(checkpoint.tensors.items())[1:]), checkpoint.record)
    with pytest.raises(GanbenchError, match="doesn't fit"):
        train(spec, (0,), data, tracker, tmp_path)
    assert {log.state for log in tracker.runs.values()} == {"stopped"}


def test_checkpoint_record_keeps_its_fields() -> None:
    """With other fields, runs interrupted under an earlier version could not be resumed."""
    names = "seeds step seconds looks sums metrics diverged collapsed history"
    assert [field.name for field in dataclasses.fields(CheckpointRecord)] == [*names.split(), *ADDED]
    assert ADDED == ("group", "environments", "verdicts", "keep", "best")


def test_mean_statistics_do_not_depend_on_an_interruption() -> None:
    statistics = [{"loss": torch.tensor([0.1 * step, step / 3])} for step in range(5)]
    uninterrupted, first = MeanStatistics({}, 0), MeanStatistics({}, 0)
    for step_statistics in statistics:
        uninterrupted.add(step_statistics)
    for step_statistics in statistics[:2]:
        first.add(step_statistics)
    second = MeanStatistics(json.loads(json.dumps(first.sums())), first.count)
    for step_statistics in statistics[2:]:
        second.add(step_statistics)
    assert second.take() == uninterrupted.take()
    assert (uninterrupted.sums(), uninterrupted.count) == ({}, 0), "taking the means resets them"


def test_runs_are_closed_when_the_loss_raises(data: LabelledImages, tmp_path: Path) -> None:
    @dataclasses.dataclass(frozen=True)
    class Broken(Minimax):
        name = "broken"

        def generator_loss(self, fake: Tensor, real: Tensor) -> Tensor:
            raise ZeroDivisionError

    tracker = MemoryTracker()
    with pytest.raises(ZeroDivisionError):
        train(dataclasses.replace(short_spec(), loss=Broken()), (0, 1), data, tracker, tmp_path)
    assert {log.state for log in tracker.runs.values()} == {"stopped"}

    class Unavailable(MemoryTracker):
        def close_group(self, group_id: str, status: Status) -> None:
            raise GanbenchError("the database is locked")

    with pytest.raises(ZeroDivisionError):  # the error to be seen
        train(dataclasses.replace(short_spec(), loss=Broken()), (0, 1), data, Unavailable(), tmp_path)


def test_run_id_depends_on_the_code_of_a_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = dataclasses.replace(short_spec(), loss=Fragile())
    before = spec.run_id(0)
    monkeypatch.setattr(Fragile, "code_sha256", classmethod(lambda cls: "other"))
    assert spec.run_id(0) != before
