"""A small own data set on the whole way: added, trained on, swept over, scored, compared, exported, changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.data.own import recipe
from tests.data.own.pictures_of_shapes import coloured_shapes
from tests.end_to_end.commands import SMALL, read, read_metrics

LEAST = [
    *("--set", "evaluation.samples=500", "--dataset", "mine", "--protocol", "ganbench-1"),
    *("--steps", "8", "--eval-every", "4", "--seeds", "0"),
]
SWEEP = """
seeds = "0"
axes = { loss = ["minimax", "hinge"] }
[base]
dataset = "mine"
protocol = "ganbench-1"
arch = { name = "mlp", latent_dim = 8, generator_widths = [32], critic_widths = [32] }
evaluation = { samples = 500, quick_samples = 500, every = 4 }
[budget.least]
"train.steps" = 8
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Iterator[Path]:
    """A folder with the data set `mine`, whose evaluator was trained shortly: shapes are easy."""
    folder = tmp_path_factory.mktemp("place")
    images, labels = coloured_shapes(1_530)
    np.savez(folder / "mine.npz", images=images, labels=labels)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANBENCH_DATA", str(folder / "data"))
        patch.setattr(recipe, "MIN_STEPS", 60)
        patch.setattr(recipe, "EPOCHS", 1)
        read("data", "add", "mine", folder / "mine.npz")
        yield folder


@pytest.fixture(scope="module")
def store(place: Path) -> Path:
    """A store with a run and a sweep, of which the run is a part."""
    (place / "least.toml").write_text(SWEEP)
    assert "of 6 classes" in read("run", *SMALL, *LEAST, "--experiment", "own", "--store", place / "store")
    read("sweep", place / "least.toml", "--experiment", "own", "--store", place / "store", "--jobs", "1")
    return place / "store"


def said_by(status: int, *args: str | Path) -> str:
    """The last line that a command with this exit status prints."""
    result = CliRunner().invoke(main, [*map(str, args)])
    assert result.exit_code == status, result.output
    assert "Traceback" not in result.output
    return result.output.splitlines()[-1]


def test_runs_on_own_data_are_compared_reported_and_scored_by_further_metrics(store: Path, tmp_path: Path) -> None:
    compared = json.loads(read("compare", "--experiment", "own", "--store", store, "--format", "json"))
    assert sorted((row["loss"], row["finished"]) for row in compared["groups"]) == [("hinge", 1), ("minimax", 1)]
    assert [row["dataset"] for row in compared["floors"]] == ["mine"]
    read("report", "--experiment", "own", "--store", store, "--out", tmp_path)
    page = next(tmp_path.rglob("*.html")).read_text()
    assert "red ring" in page
    assert "of 6 classes" in page
    assert "floors      not measured yet: the first evaluation does it" in read("data", "show", "mine")
    read("rescore", "--metric", "pairs", "--experiment", "own", "--store", store)
    assert len({run for run, name, _ in read_metrics(store) if name == "extra/pairs"}) == 2


def test_another_machine_with_the_exported_data_set_gets_the_same_numbers_in_its_store(
    place: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read("data", "export", "mine", tmp_path / "exported")
    monkeypatch.setenv("GANBENCH_DATA", str(tmp_path / "data"))
    read("data", "add", "mine", tmp_path / "exported")
    read("run", *SMALL, *LEAST, "--experiment", "own", "--store", tmp_path / "store")
    here, there = read_metrics(store), read_metrics(tmp_path / "store")
    assert len(there) > 50
    assert there == {key: here[key] for key in there}


def test_planted_collapses_are_named_and_unseen_real_images_are_good(place: Path) -> None:
    images, labels = coloured_shapes(1_800, seed=1)  # none of them is in the data set
    planted = {
        "real": images[:600],
        "lost": images[labels != "red ring"][:600],
        "repeated": images[np.arange(600) % 10],
    }
    said = {}
    for name, samples in planted.items():
        np.savez(place / f"{name}.npz", samples=samples)
        options = ["--dataset", "mine", "--protocol", "ganbench-1", "--count", "500"]
        said[name] = read("evaluate", place / f"{name}.npz", *options).splitlines()[-1]
    assert "GOOD: " in said["real"]
    assert "all 6 modes appear; they vary like real data" in said["real"]
    assert "PARTLY: " in said["lost"]
    assert "5 of 6 modes appear, red ring is lost" in said["lost"]
    assert "COLLAPSED: " in said["repeated"]
    assert "are near-duplicates of others" in said["repeated"]


def test_own_data_that_were_removed_or_altered_leave_results_readable_and_stop_runs_with_a_line(
    place: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resumed = ["run", *SMALL, *LEAST, "--loss", "non-saturating", "--experiment", "own", "--store", store]
    rescored = ["rescore", "--metric", "vendi", "--experiment", "own", "--store", store]
    own = tmp_path / "data" / "own" / "mine"
    shutil.copytree(place / "data" / "own" / "mine", own)
    monkeypatch.setenv("GANBENCH_DATA", str(tmp_path / "data"))
    content = bytearray((own / "data.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (own / "data.npz").write_bytes(content)
    assert "truncated or altered" in said_by(2, *resumed)
    assert "truncated or altered" in said_by(1, *rescored)
    read("data", "remove", "mine")
    assert "unknown dataset 'mine'" in said_by(2, *resumed)
    assert "unknown dataset 'mine'" in said_by(1, *rescored)
    assert "hinge" in read("compare", "--experiment", "own", "--store", store)
    read("report", "--experiment", "own", "--store", store, "--out", tmp_path / "report")
