"""A store's folder, and the current one, may have any name; a store with several names is one store."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.tracking import RunInfo
from ganbench.tracking.mlflow.reading import read_images, read_runs
from ganbench.tracking.mlflow.tracker import MlflowTracker
from ganbench.tracking.store import find_store

NAMES = (
    *("a b", "exp#1", "a?b", "a%b", "feature%2Fx", "a;b", "a:b", "a@b", "a'b", 'a"b', "a&b=c", "a\\b", "a*[b]", "a+b"),
    *("$HOME", "{a}", "ü模", "a\nb", "-x", "--store", "~nobody-at-all", "nan", " a "),
)
EXPERIMENT = """
question = "Does it work?"
seeds = "0"
[base]
dataset = "ring"
arch = "mlp:latent_dim=8,generator_widths=[16],critic_widths=[16]"
[base.train]
batch_size = 16
steps = 2
[base.evaluation]
every = 2
quick_samples = 500
samples = 1000
[axes]
loss = ["minimax"]
"""
WORST = "-a #?%2F;:@'\"\nü~"
GROUP = RunInfo("group1", "a group", {"loss": "x"})
RUN = RunInfo("run0", "seed 0", {"loss": "x"}, {"seed": "0"})


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An empty database: to make one takes MLflow a second."""
    store = find_store(str(tmp_path_factory.mktemp("template")))
    MlflowTracker(store, "e")
    return (store.folder / "mlflow.db").read_bytes()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def track(address: str) -> None:
    """Write a run, and read it back."""
    store = find_store(address)
    assert find_store(store.uri) == store, "another process finds it"
    tracker = MlflowTracker(store, "e")
    log = tracker.open(RUN, GROUP)
    log.metrics(5, {"fid": 1.5})
    log.image("samples", 5, np.zeros((8, 8), np.uint8))
    log.finish("finished", 5)
    assert tracker.status("run0") == "finished"
    (run,) = read_runs(store, "e", history=True)
    assert list(run.history) == [("fid", 5, 1.5)]
    assert list(read_images(store, "e", "samples", ["run0"], 4)) == ["run0"]


@pytest.mark.parametrize("inside", [False, True], ids=["store", "current folder"])
@pytest.mark.parametrize("name", NAMES)
def test_folders_may_have_any_name(
    name: str, inside: bool, template: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = tmp_path / name if inside else tmp_path
    store = current / ("store" if inside else name)
    store.mkdir(parents=True)
    (store / "mlflow.db").write_bytes(template)
    monkeypatch.chdir(current)
    track(store.name)
    assert names(current) == {store.name}
    assert names(store) - {"mlflow.db-wal", "mlflow.db-shm"} == {*("artifacts", "mlflow.db", ".store.lock")}


def test_a_store_with_an_odd_name_is_created_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / WORST).mkdir()
    monkeypatch.chdir(tmp_path / WORST)
    track(WORST)
    assert [path.name for path in tmp_path.rglob("mlflow.db")] == ["mlflow.db"]
    assert names(tmp_path / WORST) == {WORST}


def test_a_name_that_is_not_text_is_refused() -> None:
    with pytest.raises(GanbenchError, match="must be text"):
        find_store("\udcff")


def test_every_command_works_where_names_are_odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweep's worker is a process of its own, which gets the store's name from its parent."""
    folder = tmp_path / WORST
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "experiment.toml").write_text(EXPERIMENT)

    def ganbench(*words: str) -> str:
        result = CliRunner().invoke(main, [*words, "--store", WORST], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    ganbench("sweep", "experiment.toml", "--experiment", "e")
    assert "minimax" in ganbench("compare", "--experiment", "e")
    assert "wrote" in ganbench("report", "--experiment", "e", "--out", "out")
    assert list((folder / "out").rglob("*.webp"))
    assert names(folder) == {WORST, "experiment.toml", "out"}
