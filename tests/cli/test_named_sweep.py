"""Sweeps of a file with names: what they print and track, and runs that get other names after they have finished."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.results.loading import load_results
from ganbench.results.table import OF_A_RUN
from ganbench.results.views import runs
from ganbench.runs.sweep_status import group_statuses
from ganbench.spec.sweep_spec import read_sweep
from ganbench.tracking.mlflow.tracker import MlflowTracker
from ganbench.tracking.store import find_store

OUTCOMES = 'primary = ["kl_corrected", "lost"]\ncollapsed = "kl_corrected > 1"\n'
REST = """
[base]
dataset = "ring:points=2000"
arch = "mlp:generator_widths=[8],critic_widths=[8]"
[base.train]
steps = 2
batch_size = 8
[base.evaluation]
every = 2
quick_samples = 500
samples = 500
[axes]
"""
PLAIN = 'part = [{ loss = "minimax" }, { loss = "hinge" }]\n'
NAMED = (
    'part = [{ name = "[red]a[/red] :fire:", loss = "minimax" }, { name = "b", dose = { d = 2 }, loss = "hinge" }]\n'
)


@pytest.fixture(autouse=True)
def _one_thread_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def command(name: str, file: Path, text: str, *more: str) -> str:
    file.write_text(text)
    result = CliRunner().invoke(main, [name, str(file), "--store", str(file.parent / "store"), *more])
    assert result.exit_code == 0, result.output
    return result.output


def tracked(file: Path) -> pd.DataFrame:
    return runs(load_results(find_store(str(file.parent / "store")), "tiny").table).set_index("loss")


def test_names_of_a_sweep_are_shown_tracked_and_changed_after_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, export = tmp_path / "tiny.toml", ("--export", str(tmp_path / "export"))
    output = command("sweep", file, OUTCOMES + REST + NAMED, "--device", "cpu", *export)
    assert "[red]a[/red] :fire:: 1 finished" in output
    assert "b (d=2): 1 finished" in output
    assert "\nmethod" in output
    assert "[red]a[/red] :fire:" in command("status", file, OUTCOMES + REST + NAMED)
    dry_run = command("sweep", file, OUTCOMES + REST + NAMED, "--dry-run")
    assert "  [red]a[/red] :fire:, 2 steps" in dry_run
    before = tracked(file)
    assert before["name"].to_dict() == {"minimax": "[red]a[/red] :fire:", "hinge": "b"}
    assert before["dose"].to_dict() == {"minimax": "", "hinge": "d=2"}
    assert set(before["primary"]) == {"kl_corrected,lost"}
    assert set(before["collapsed"]) == {"kl_corrected > 1"}

    output = command("sweep", file, REST + NAMED.replace('"b", dose = { d = 2 }', '"c"'), "--device", "cpu", *export)
    assert "0 groups to do" in output
    after = tracked(file)
    assert after["name"].to_dict() == {"minimax": "[red]a[/red] :fire:", "hinge": "c"}
    assert (after[["dose", "primary", "collapsed"]] == "").all(axis=None)
    others = [column for column in OF_A_RUN if column not in ("loss", "name", "dose", "primary", "collapsed")]
    pd.testing.assert_frame_equal(after[others], before[others], check_categorical=False)
    exported = (tmp_path / "export" / "tiny" / "results.csv").read_text()
    assert '"c"' in exported
    assert "kl_corrected > 1" not in exported

    def refuse(*_: object) -> None:
        raise AssertionError("tags that don't differ are not written")

    monkeypatch.setattr(MlflowTracker, "tag", refuse)
    command("sweep", file, REST + NAMED.replace('"b", dose = { d = 2 }', '"c"'), "--device", "cpu")
    monkeypatch.undo()
    command("sweep", file, REST + PLAIN, "--device", "cpu")
    assert set(tracked(file)["name"]) == {""}


def test_labels_stand_with_the_data_set_if_there_are_several(tmp_path: Path) -> None:
    file = tmp_path / "tiny.toml"
    file.write_text(REST.replace('dataset = "ring:points=2000"\n', "") + 'dataset = ["ring", "grid"]\n' + NAMED)
    store = find_store(str(tmp_path / "store"))
    groups = group_statuses(read_sweep(file).plan, {}, store, "tiny")
    assert [(group.title, group.difference) for group in groups[1::2]] == [("b (d=2)", "ring"), ("b (d=2)", "grid")]
    file.write_text(REST + PLAIN)
    groups = group_statuses(read_sweep(file).plan, {}, store, "tiny")
    assert [group.title for group in groups] == ["minimax · mlp · ring", "hinge · mlp · ring"]
