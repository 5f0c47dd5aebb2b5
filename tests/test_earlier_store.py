"""A store and a checkpoint as an earlier version of ganbench wrote them: they are read, and the run is resumed.

`fixtures/store-0.1.tar.xz` holds two finished seeds of hinge (40 steps), and two of minimax that were interrupted on
their way to 400 steps, made by the commands below in a folder `/elsewhere`; large pictures were removed. Keep it as it
is. When the format of stores or checkpoints changes, add another one beside it. If `RESULTS_VERSION` is raised, the
interrupted run has another id, and a test must say so.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.tracking.mlflow.client import read_statuses
from ganbench.tracking.mlflow.reading import read_runs
from ganbench.tracking.store import Store, find_store

ARCHIVE = Path(__file__).parent / "fixtures" / "store-0.1.tar.xz"
INTERRUPTED = (
    *("run", "--loss", "minimax", "--dataset", "ring:points=2000"),
    *("--arch", "mlp:latent_dim=4,generator_widths=[8],critic_widths=[8]", "--batch-size", "8", "--steps", "400"),
    *("--eval-every", "20", "--set", "evaluation.quick_samples=500", "--set", "evaluation.samples=500"),
    *("--device", "cpu", "--seeds", "0-1"),
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    return find_store(str(tmp_path / "store"))


def ganbench(*arguments: str, store: Store) -> str:
    result = CliRunner().invoke(main, [*arguments, "--store", str(store.folder)])
    assert result.exit_code == 0, result.output
    return result.output


def test_earlier_store_is_compared_and_reported(store: Store, tmp_path: Path) -> None:
    assert "hinge" in ganbench("compare", store=store)
    assert "0.126" in ganbench("compare", "--metric", "kl", "--where", "loss=hinge", store=store)
    ganbench("report", "--out", str(tmp_path / "reports"), store=store)
    (page,) = tmp_path.rglob("report.html")
    assert "hinge" in page.read_text(encoding="utf-8")


def test_earlier_checkpoint_is_resumed(store: Store) -> None:
    before = read_statuses(store, "ganbench")
    assert sorted(before.values()) == ["finished", "finished", "stopped", "stopped"]
    evaluated = {run.id: set(run.history) for run in read_runs(store, "ganbench", history=True)}
    ganbench(*INTERRUPTED, store=store)
    assert read_statuses(store, "ganbench") == dict.fromkeys(before, "finished")
    for run in read_runs(store, "ganbench", history=True):
        numbers = {(name, step) for name, step, _ in run.history}
        assert evaluated[run.id] <= set(run.history), "what was measured before stays"
        assert before[run.id] == "finished" or ("quick/kl", 380) in numbers
    assert not list(store.folder.rglob("seeds-*.safetensors"))
