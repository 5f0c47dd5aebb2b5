"""A small own data set on its way: added, trained on, swept over, scored, and exported to another machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from numpy.typing import NDArray

from ganbench.cli import main
from ganbench.core.formatting import with_sd
from ganbench.core.verdict_word import word_of
from ganbench.data import DATASETS
from ganbench.data.evaluators.classifier import to_signed
from ganbench.data.own import recipe
from ganbench.evaluation.protocols.ganbench_2 import Ganbench2
from ganbench.evaluation.score_samples import kept_scorer, set_up
from ganbench.evaluation.scorer import Scorer
from tests.data.own.pictures_of_shapes import coloured_shapes
from tests.end_to_end.commands import SMALL, read, read_metrics

LEAST = [
    *("--set", "evaluation.samples=500", "--dataset", "mine", "--protocol", "ganbench-1"),
    *("--steps", "8", "--eval-every", "4", "--seeds", "0"),
]
SWEEP = """
seeds = "0"
axes = { loss = ["minimax", "hinge", "least-squares"] }
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


def test_floors_are_shown_once_they_are_measured(place: Path) -> None:
    assert read("data", "show", "mine").endswith("\nfloors      not measured yet: the first evaluation does it\n")
    dataset = DATASETS["mine"]()
    case, data = Ganbench2().case(dataset), dataset.load(torch.device("cpu"))
    samples = dataset.scorable(case.samples)
    floors = Scorer.with_disk_cache(case, dataset, data).floors(samples, ("hq", "kl"))
    _, _, table = read("data", "show", "mine").partition(f"   {samples} of them, under ganbench-2\n")
    shown = dict(line.split(maxsplit=1) for line in table.splitlines())
    assert shown == {name: with_sd(*floor) for name, floor in floors.items()}


def test_unseen_real_images_are_good(place: Path) -> None:
    images, _ = coloured_shapes(600, seed=1)  # none of them is in the data set
    np.savez(place / "real.npz", samples=images)
    said = read("evaluate", place / "real.npz", "--dataset", "mine", "--protocol", "ganbench-1", "--count", "500")
    assert "GOOD: " in said
    assert "all 6 classes appear; they vary like real data" in said


def test_planted_collapses_are_named(place: Path) -> None:
    images, labels = coloured_shapes(1_800, seed=1)
    rings, others = images[labels == "red ring"], images[labels != "red ring"]
    known, _ = coloured_shapes(1_530)  # the data set
    scorer = kept_scorer(*set_up("mine", "ganbench-1"), torch.device("cpu")).scorer
    said = {
        name: scorer.beside_real.verdict(scorer.evaluator(to_signed(torch.from_numpy(samples).movedim(3, 1))))
        for name, samples in {
            "lost": others[:500],
            "doubled": np.concatenate([rings[:167], others[:333]]),
            "repeated": images[np.arange(500) % 10],
            "copied": known[:500],
            "narrow": np.concatenate([alike(images[labels == name], 84) for name in np.unique(labels)])[:500],
        }.items()
    }
    assert word_of(said["lost"]) == "PARTLY"
    assert said["lost"].of_state("lost") == ["red ring"]
    assert said["doubled"].faults == {"uneven"}
    assert word_of(said["repeated"]) == "COLLAPSED"
    assert "repeated" in said["repeated"].faults
    assert word_of(said["copied"]) == "PARTLY"
    assert "copied" in said["copied"].faults
    assert said["narrow"].faults >= {"narrow"}
    assert not said["narrow"].faults & {"lost modes", "uneven", "copied"}


def alike(images: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """Those images of a class that are most like its first one."""
    distances = ((images.astype(float) - images[0]) ** 2).sum(axis=(1, 2, 3))
    nearest: NDArray[np.uint8] = images[distances.argsort()[:count]]
    return nearest


def test_results_are_compared_and_reported_where_the_data_set_is_not(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANBENCH_DATA", str(tmp_path / "none"))
    where = ("--experiment", "own", "--store", store)
    compared = json.loads(read("compare", *where, "--format", "json"))
    assert sorted(group["loss"] for group in compared["groups"]) == ["hinge", "least-squares", "minimax"]
    read("report", *where, "--out", tmp_path / "reports")
    (report,) = tmp_path.glob("reports/*/report.md")
    assert "mine" in report.read_text(encoding="utf-8")
    refused = CliRunner().invoke(main, ["run", *SMALL, *LEAST, "--store", str(tmp_path / "store")])
    assert refused.exit_code == 2
    assert refused.output.splitlines()[-1].startswith("Error: ")
    assert "mine" in refused.output.splitlines()[-1]
    assert not (tmp_path / "store").exists()
