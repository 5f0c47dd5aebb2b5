"""Reproduction from a results table: its options make the run that it names, or are refused."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.core.plugins import load_plugins
from ganbench.core.settings import flatten, unflatten
from ganbench.results.csv_file import read_csv, write_csv
from ganbench.results.run_record import run_record
from ganbench.results.table import tidy
from ganbench.runs.reproduce_row import spec_of_row
from ganbench.runs.task import Task, perform
from ganbench.spec.run_spec import resolve
from ganbench.tracking import RunRecord
from ganbench.tracking.ensemble_seeds import SEEDS_TAG
from ganbench.tracking.mlflow.reading import read_runs
from ganbench.tracking.store import find_store
from tests.runs.test_executors import SETTINGS

pytestmark = pytest.mark.usefixtures("one_thread")

REPORT = Path(__file__).parents[2] / "reports" / "2026-11-25_e3ef7a85ec" / "results.csv"
PLUGIN = """
from ganbench.plugin import LOSSES, Loss, register


@register(LOSSES, "mine")
class Mine(Loss):
    \"\"\"Hinge (nobody 2026).\"\"\"

    output = "score"

    def critic_loss(self, real, fake):
        return (1 - real).relu().mean() + (1 + fake).relu().mean()

    def generator_loss(self, fake, real):
        return -fake.mean()
"""


def trained(folder: Path, **settings: object) -> Path:
    """The results of two seeds of a tiny run, written by this version."""
    spec = resolve({**SETTINGS, **settings})
    store = find_store(str(folder / "store"))
    perform(Task(spec.group_id, spec.to_dict(), (3, 5), "e", store.uri, "cpu"), threading.Event())
    path = folder / "results.csv"
    write_csv(tidy(list(read_runs(store, "e", history=True))), path)
    return path


def first(path: Path) -> RunRecord:
    table = read_csv(path).table
    return run_record(table, str(table.sort_values("seed")["run"].iloc[0]))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"loss": {"name": "r3gan"}, "train": {"steps": 3, "generator_lr": 1e-5}},
        {"loss": {"name": "wgan-gp"}, "wrapper": [{"name": "spectral-norm"}], "penalty": []},
        {"dataset": {"name": "grid"}, "protocol": {"name": "ganbench-1"}},
    ],
)
def test_flat_options_as_text_make_the_same_run(settings: dict[str, object]) -> None:
    spec = resolve(settings or SETTINGS)
    text = {name: str(value) for name, value in flatten(spec.to_dict()).items()}
    assert resolve(unflatten(text)) == spec


def test_every_row_of_a_new_table_has_its_run_id_and_checks_bit_for_bit(tmp_path: Path) -> None:
    path = trained(tmp_path)
    record = first(path)
    spec, seeds = spec_of_row(record)
    assert (spec, seeds) == (resolve(SETTINGS), (3, 5))
    assert set(record.tags) >= {"commit", "device", "torch", SEEDS_TAG}
    checked = CliRunner().invoke(main, ["leaderboard", "--check", str(path)])
    assert checked.exit_code == 0, checked.output
    assert "1 methods, a seed of each: 1 the same bit for bit" in checked.output


def test_a_tampered_number_is_found(tmp_path: Path) -> None:
    path = trained(tmp_path)
    table = read_csv(path).table
    table.loc[(table["metric"] == "hq") & (table["kind"] == "final"), "value"] += 0.01
    write_csv(table, path)
    checked = CliRunner().invoke(main, ["leaderboard", "--check", str(path)])
    assert checked.exit_code == 1, checked.output
    assert "1 different" in checked.output


def test_options_that_make_another_run_are_refused(tmp_path: Path) -> None:
    path = trained(tmp_path)
    record = first(path)
    for changed in ({"train.generator_lr": "0.0004"}, {"loss.smoothing": "0.1"}):
        with pytest.raises(GanbenchError, match=r"mean another run here.*or the options were edited"):
            spec_of_row(dataclasses.replace(record, params={**record.params, **changed}))
    for unreadable in ({"loss": "my-own"}, {"train.momentum": "1"}, {"penalty": "gp:weight"}):
        with pytest.raises(GanbenchError, match=r"can't be read: .*plug-in"):
            spec_of_row(dataclasses.replace(record, params={**record.params, **unreadable}))
    with pytest.raises(GanbenchError, match="is of seed 3, and not among"):
        spec_of_row(dataclasses.replace(record, tags={**record.tags, SEEDS_TAG: "0,1"}))
    with pytest.raises(GanbenchError, match="has not come to its end: it is stopped"):
        spec_of_row(dataclasses.replace(record, status="stopped"))
    table = read_csv(path).table
    table["options"] = table["options"].astype(object).str.replace("train.n_critic=1", "train.n_critic=2")
    write_csv(table, path)
    checked = CliRunner().invoke(main, ["leaderboard", "--check", str(path)])
    assert checked.exit_code == 2, checked.output
    assert "1 can't be checked" in checked.output


def test_a_plug_in_with_other_code_is_refused(tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text(PLUGIN, encoding="utf-8")
    load_plugins([plugin])
    record = first(trained(tmp_path, loss={"name": "mine"}))
    assert spec_of_row(record)[0].loss.name == "mine"
    plugin.write_text(PLUGIN.replace("1 - real", "2 - real"), encoding="utf-8")
    with pytest.raises(GanbenchError, match=r"the plug-in isn't the one that it was trained with \(code of mine\)"):
        spec_of_row(record)


def test_rows_of_an_old_report_have_their_run_ids_but_not_the_version_of_torch() -> None:
    table = read_csv(REPORT).table
    firsts = table[table["seed"] == 0].drop_duplicates("group")["run"]
    assert len(firsts) == 15
    for run in firsts.astype(str):
        record = run_record(table, run)
        spec, seeds = spec_of_row(record)
        assert spec.run_id(0) == run
        assert len(seeds) == (3 if spec.dataset.name == "mnist" else 10), "taken to be all seeds of the group"
        assert "torch" not in record.tags, "so bit for bit can't be demanded"


def test_a_record_has_the_numbers_that_were_tracked(tmp_path: Path) -> None:
    path = trained(tmp_path)
    store = find_store(str(tmp_path / "store"))
    [tracked] = [run for run in read_runs(store, "e", history=True) if run.seed == 3]
    numbers = {(name, step): value for name, step, value in first(path).history}
    missing = {name for name, step, value in tracked.history if (name, step) not in numbers and not pd.isna(value)}
    assert missing == {"train/seconds"}
    assert len(numbers) > 100
