"""`ganbench.Monitor`: what it refuses, what it keeps, and where its numbers go."""

from __future__ import annotations

import csv
import json
import math
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import ganbench
from ganbench.core.errors import GanbenchError
from ganbench.data.labelled import LabelledImages
from ganbench.data.ring import Ring

pytestmark = pytest.mark.usefixtures("one_thread")

Points = NDArray[np.float32]


def real_points(count: int = 500, draw: int = 50) -> Points:
    points: Points = Ring().load(torch.device("cpu")).floor_samples(count, draw).numpy()
    return points


def of_modes(modes: int, count: int = 500) -> Points:
    """Real points of the first modes only."""
    points = real_points(16 * count)
    angles = np.round(np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi / 8)).astype(int) % 8
    chosen: Points = points[angles < modes][:count]
    return chosen


def ring(**options: Any) -> ganbench.Monitor:
    return ganbench.Monitor(**{"dataset": "ring", "samples": 500, "device": "cpu", **options})


def kinds(watch: ganbench.Monitor) -> list[tuple[int, str]]:
    return [(event.step, event.kind) for event in watch.events]


def test_planted_collapse_is_reported_and_named() -> None:
    watch = ring(patience=2)
    assert watch.summary().startswith("NOTHING YET")
    assert watch(100, real_points())["collapsed"] == 0
    assert watch.summary().startswith("GOOD at step 100: ")
    numbers = watch(200, of_modes(3))
    assert numbers["event/missing-modes"] == pytest.approx(5 / 8)
    assert numbers["verdict/lost"] == 5
    assert not watch.collapsed, "patience is two calls"
    assert watch(300, of_modes(3))["collapsed"] == 1
    assert watch.collapsed
    assert watch.summary().startswith("COLLAPSED at step 300: ")
    assert "step 200: missing-modes: 3 of 8 modes are left; lost: 3, 4, 5, 6, 7" in watch.summary()
    watch(400, real_points(draw=51))
    assert (400, "recovery") in kinds(watch)
    assert not watch.collapsed


def test_without_a_planned_length_only_what_was_lost_is_an_event() -> None:
    bounded, unbounded = ring(steps=100), ring()
    for watch in (bounded, unbounded):
        watch(60, of_modes(3))
    assert kinds(bounded) == [(60, "missing-modes")]
    assert kinds(unbounded) == []


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_samples_that_are_not_finite_end_the_record_as_diverged(broken: float) -> None:
    watch = ring()
    watch(1, real_points())
    samples = real_points()
    samples[7, 1] = broken
    assert watch(2, torch.from_numpy(samples)) == {"event/divergence": 1.0}
    assert watch.diverged
    assert kinds(watch) == [(2, "divergence")]
    assert watch.summary().startswith("DIVERGED at step 2: ")
    assert watch(3, real_points()) == {}
    restored = ring()
    restored.load_state_dict(json.loads(json.dumps(watch.state_dict(), allow_nan=False)))
    assert restored.diverged
    assert kinds(restored) == kinds(watch)


def test_outputs_that_are_not_finite_are_divergence_too() -> None:
    watch = ring()
    assert watch(1, real_points(), d_real=math.nan, d_fake=0.5) == {"event/divergence": 1.0}


def test_discriminator_that_has_won_is_reported() -> None:
    watch = ring()
    for step in (1, 2):
        watch(step, real_points(), d_real=np.full(8, 0.999), d_fake=torch.full((8,), 0.001))
    assert kinds(watch) == [(2, "d-saturation")]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"fake": real_points(499)}, "499 samples are too few: give 500"),
        ({"fake": real_points()[:, :1]}, r"must have shape \[N, 2\]"),
        ({"fake": [[0.0, 1.0]] * 500}, "must be a NumPy array or a torch tensor, not list"),
        ({"fake": np.zeros((500, 2), int)}, "points must be floats"),
        ({"d_real": 3.0, "d_fake": 0.1}, "d_real must be probabilities in"),
        ({"d_real": 0.5}, "give both d_real and d_fake"),
        ({"d_real": "high", "d_fake": 0.1}, "d_real must be a number"),
        ({"d_real": [], "d_fake": 0.1}, "d_real is empty"),
        ({"step": 5}, "step 5 is not after step 5"),
        ({"step": 6.0}, "step must be a whole number"),
        ({"step": -1}, "step must be a whole number"),
    ],
)
def test_bad_input_is_refused_in_one_line_and_leaves_no_trace(given: dict[str, Any], complaint: str) -> None:
    watch = ring()
    watch(5, real_points())
    before = watch.state_dict()
    with pytest.raises(GanbenchError, match=complaint) as raised:
        watch(**{"step": 6, "fake": real_points(), **given})
    assert "\n" not in str(raised.value)
    assert watch.state_dict() == before


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"dataset": "rung"}, "unknown dataset 'rung': did you mean 'ring'"),
        ({"samples": 100}, "100 samples are too few"),
        ({"protocol": "ganbench-3"}, "unknown protocol"),
        ({"metrics": ["coverag"]}, "unknown metric 'coverag'"),
        ({"patience": 0}, "patience must be a whole number from 1"),
        ({"steps": 0}, "steps must be a whole number from 1"),
        ({"samples": 500.5}, "samples must be a whole number from 1"),
        ({"pixel_range": "0..2"}, "unknown pixel_range '0..2'"),
        ({"tensorboard": object()}, "SummaryWriter"),
        ({"sinks": [3]}, "a sink must be a function"),
        ({"mlflow": True}, "call mlflow.start_run"),
        ({"real": real_points()}, "either dataset=, a name, or real="),
        ({"dataset": None}, "either dataset=, a name, or real="),
        ({"dataset": None, "real": np.zeros((2_000, 28, 28))}, "features of a network of yours"),
        ({"dataset": None, "real": np.zeros((2_000, 1, 28, 28))}, "features of a network of yours"),
        ({"dataset": None, "real": real_points(), "samples": None}, "500 real vectors are too few"),
        ({"dataset": None, "real": real_points(1_000), "samples": 600}, "half of the real vectors"),
        ({"dataset": None, "real": real_points(1_000), "clip": True}, "leave them out"),
        ({"dataset": None, "real": np.zeros((2_000, 3), int)}, "must be floats"),
        ({"dataset": None, "real": np.full((2_000, 3), np.nan)}, "NaN or infinity"),
        ({"dataset": None, "real": [[0.0]]}, "array or a tensor, not list"),
    ],
)
def test_impossible_monitor_is_refused_in_one_line(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(GanbenchError, match=complaint) as raised:
        ring(**options)
    assert "\n" not in str(raised.value)


def test_metrics_can_be_chosen_and_do_not_change_events() -> None:
    usual, chosen = ring(), ring(metrics=["coverage", "vendi_2"])
    for watch in (usual, chosen):
        watch(1, real_points())
        watch(2, of_modes(3))
    assert chosen.events == usual.events
    numbers = chosen(3, real_points())
    assert {"coverage", "floor/coverage", "vendi_2"} <= set(numbers)
    assert "modes" not in numbers


def test_more_samples_than_needed_are_drawn_from_whatever_their_order() -> None:
    points = real_points(4_000)
    watch = ring()
    watch(1, points[np.argsort(points[:, 0])])
    assert kinds(watch) == []
    assert watch.summary().startswith("GOOD")


def test_all_values_are_finite_floats_and_go_to_every_sink(tmp_path: Path) -> None:
    class Writer:
        def __init__(self) -> None:
            self.scalars: dict[tuple[str, int], float] = {}

        def add_scalar(self, name: str, value: float, step: int) -> None:
            self.scalars[name, step] = value

    writer, seen = Writer(), dict[int, Mapping[str, float]]()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")
    mlflow.create_experiment("monitor", artifact_location=(tmp_path / "artifacts").as_uri())
    mlflow.set_experiment("monitor")
    with mlflow.start_run() as run:
        # Points have no training data to be memorised, so the last metric is undefined.
        metrics = ["hq", "memorisation"]
        watch = ring(metrics=metrics, mlflow=True, tensorboard=writer, sinks=[seen.__setitem__])
        numbers = watch(7, real_points())
    assert all(type(value) is float and math.isfinite(value) for value in numbers.values())
    assert "hq" in numbers
    assert not [name for name in numbers if "memorisation" in name]
    assert seen == {7: numbers}
    assert writer.scalars == {(name, 7): value for name, value in numbers.items()}
    assert mlflow.get_run(run.info.run_id).data.metrics == numbers
    with pytest.raises(GanbenchError, match="active run"):
        watch(8, real_points())


def test_saved_folder_has_numbers_events_figure_and_summary(tmp_path: Path) -> None:
    watch = ring()
    first = watch(1, real_points())
    watch(2, of_modes(3))
    folder = tmp_path / "new" / "folder"
    watch.save(folder)
    watch.save(folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "numbers.csv",
        "summary.txt",
        "timeline.json",
        "timeline.png",
    ]
    with (folder / "numbers.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["1", "2"]
    assert {name: float(rows[0][name]) for name in first} == first
    assert rows[0]["event/missing-modes"] == ""
    assert rows[1]["verdict"] == "COLLAPSED"
    timeline = json.loads((folder / "timeline.json").read_text(encoding="utf-8"))
    assert [(event["step"], event["kind"]) for event in timeline["events"]] == kinds(watch)
    assert (folder / "summary.txt").read_text(encoding="utf-8") == f"{watch.summary()}\n"
    with Image.open(folder / "timeline.png") as picture:
        assert picture.format == "PNG"


def test_folder_that_cannot_be_written_is_named_in_one_line(tmp_path: Path) -> None:
    watch = ring()
    with pytest.raises(GanbenchError, match="no samples were measured"):
        watch.save(tmp_path / "folder")
    assert not (tmp_path / "folder").exists()
    watch(1, real_points())
    (tmp_path / "file").write_text("mine")
    with pytest.raises(GanbenchError, match="can't be written"):
        watch.save(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_state_of_another_monitor_or_a_damaged_one_is_refused() -> None:
    watch = ring()
    watch(1, real_points(), d_real=0.5, d_fake=0.5)
    state = json.loads(json.dumps(watch.state_dict(), allow_nan=False))
    for other, complaint in (
        (ganbench.Monitor(dataset="grid", samples=500, device="cpu"), "of another dataset"),
        (ring(samples=600), "of another protocol"),
        (ganbench.Monitor(real=real_points(1_000), device="cpu"), "of another real data"),
    ):
        with pytest.raises(GanbenchError, match=complaint):
            other.load_state_dict(state)
    row = state["rows"][0]
    damaged: list[Any] = [
        [],
        {},
        {**state, "format": 2},
        {**state, "identity": 3},
        {**state, "rows": None},
        {**state, "rows": [row, row]},
        {**state, "rows": [{**row, "step": "1"}]},
        {**state, "rows": [{**row, "sight": {}}]},
        {**state, "rows": [{**row, "sight": {**row["sight"], "counts": [1]}}]},
        {**state, "rows": [{**row, "sight": {**row["sight"], "samples": 0}}]},
        {**state, "rows": [{**row, "numbers": {"modes": "many"}}]},
        {**state, "diverged_at": "never"},
        {key: value for key, value in state.items() if key != "reading"},
    ]
    for wrong in damaged:
        with pytest.raises(GanbenchError) as raised:
            ring().load_state_dict(wrong)
        assert "\n" not in str(raised.value)
    again = ring()
    again.load_state_dict(state)
    assert again.state_dict() == watch.state_dict()


def test_range_of_images_is_found_once_and_stays(mnist: LabelledImages) -> None:
    images = mnist.train[:500].numpy()
    signed = images.astype(np.float32) / 127.5 - 1
    watch = ganbench.Monitor(dataset="mnist", samples=500, device="cpu")
    assert watch(1, signed[:, 0])["modes"] == 10
    with pytest.raises(GanbenchError, match=r"outside the stated range -1\.\.1"):
        watch(2, images.astype(np.float32))
    with pytest.raises(GanbenchError, match="these images have whole numbers, and earlier ones had floating-point"):
        watch(2, images)
    restored = ganbench.Monitor(dataset="mnist", samples=500, device="cpu")
    restored.load_state_dict(watch.state_dict())
    with pytest.raises(GanbenchError, match="of another pixel_range"):
        ganbench.Monitor(dataset="mnist", samples=500, pixel_range="0..1").load_state_dict(watch.state_dict())
    # Alone, these would look like images in a range from 0 to 1, and as bright ones they aren't digits.
    numbers = restored(2, np.abs(signed))
    assert numbers["hq"] < 0.5
    dim = ganbench.Monitor(dataset="mnist", samples=500, device="cpu")
    with pytest.raises(GanbenchError, match=r"doesn't clearly fit one range: state it .* with pixel_range"):
        dim(1, signed / 3)
    stated = ganbench.Monitor(dataset="mnist", samples=500, device="cpu", pixel_range="-1..1")
    assert stated(1, signed / 3)["hq"] < 0.5


def test_importing_the_package_imports_no_torch() -> None:
    code = "import sys, ganbench; assert 'Monitor' in dir(ganbench); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_evaluate_loads_data_and_evaluator_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loads = list[str]()
    load = Ring.load

    def counted(self: Ring, *args: Any, **options: Any) -> Any:
        loads.append(self.name)
        return load(self, *args, **options)

    monkeypatch.setattr(Ring, "load", counted)
    points = real_points(600)
    loads.clear()
    results = [ganbench.evaluate(points, dataset="ring:radius=3", count=500) for _ in range(3)]
    assert loads == ["ring"]
    assert [result.scores for result in results[1:]] == [results[0].scores] * 2
    ganbench.evaluate(points, dataset="ring:radius=2", count=500)
    assert loads == ["ring", "ring"], "another radius is another data set"


def test_a_monitor_that_only_saw_a_divergence_is_saved(tmp_path: Path) -> None:
    watch = ganbench.Monitor(dataset="ring", samples=500)
    samples = np.full((500, 2), np.nan, dtype=np.float32)
    step: Any = np.int64(10)  # as from np.arange
    assert watch(step, samples) == {"event/divergence": 1.0}
    assert [event.words for event in watch.events] == ["samples or outputs were not finite"]
    watch.save(tmp_path)
    assert (tmp_path / "summary.txt").read_text(encoding="utf-8").startswith("DIVERGED at step 10")
    assert not (tmp_path / "timeline.png").exists()


@pytest.mark.parametrize("critic", [[0.5], "ab", [0.1, float("inf")], [10**400, 0.5]])
def test_a_state_with_absurd_outputs_is_refused(critic: object) -> None:
    watch = ganbench.Monitor(dataset="ring", samples=500)
    watch(1, np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32))
    state = watch.state_dict()
    state["rows"][0]["critic"] = critic
    with pytest.raises(GanbenchError, match="damaged"):
        watch.load_state_dict(state)
