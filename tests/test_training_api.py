"""The public functions that train: the same runs as the commands, whose results they return."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

import ganbench
from ganbench.cli.main import main

FEW = {"evaluation.samples": 500, "evaluation.quick_samples": 500}
EXPERIMENT = """
seeds = "0-1"
[base]
dataset = "ring"
arch = "mlp"
[base.evaluation]
samples = 500
quick_samples = 500
[axes]
loss = ["uncomputable", "minimax"]
[budget.short]
"train.steps" = 2
"""
UNCOMPUTABLE = """
from ganbench.plugin import LOSSES, Loss, register

@register(LOSSES, "uncomputable")
class Broken(Loss):
    "Loss that can't be computed."
    output = "score"

    def critic_loss(self, real, fake):
        raise RuntimeError("of my own")

    generator_loss = critic_loss
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that several tests train in, since making one takes seconds."""
    return tmp_path_factory.mktemp("training") / "store"


def test_run_is_the_run_of_the_command(store: Path, capfd: pytest.CaptureFixture[str]) -> None:
    table = ganbench.run(
        "rpgan",
        "mlp:latent_dim=8",
        dataset={"name": "ring", "radius": 2.0},
        penalty=["r1:gamma=1", {"name": "r2"}],
        seeds=[1, 0],
        steps=3,
        options=FEW | {"train.n_generator": 2},
        metrics=["ndb:bins=5"],
        store=store,
        progress=False,
    )
    assert capfd.readouterr().out == ""
    assert set(table["seed"]) == {0, 1}
    assert set(table["status"]) == {"finished"}
    assert len(table[table["kind"] == "extra"]) == 2
    words = ["run", "--dry-run", "--loss", "rpgan", "--arch", "mlp:latent_dim=8", "--dataset", "ring:radius=2"]
    words += ["--seeds", "0-1", "--steps", "3"]
    for option in ("train.n_generator=2", "evaluation.samples=500", "evaluation.quick_samples=500"):
        words += ["--set", option]
    printed = CliRunner().invoke(main, [*words, "--penalty", "r1:gamma=1 + r2"]).output
    assert {f"# seed {seed}: run {run}" for seed, run in zip(table["seed"], table["run"], strict=True)} == {
        line for line in printed.splitlines() if line.startswith("# seed")
    }


def test_finished_runs_are_returned_and_not_trained_again(store: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def train(loss: str = "minimax") -> pd.DataFrame:
        return ganbench.run(loss, "mlp", dataset="ring", steps=2, options=FEW, experiment="two", store=store)

    first, other = train(), train("hinge")
    assert (set(first["loss"]), set(other["loss"])) == ({"minimax"}, {"hinge"})
    assert "finished already" not in capfd.readouterr().out
    assert train()["value"].equals(first["value"])
    assert "seed 0 is finished already" in capfd.readouterr().out
    assert set(ganbench.load_results("two", store=store)["run"]) == {*first["run"], *other["run"]}


HEADINGS = "select runs.name from runs join experiments using (experiment_id) where experiments.name = ?"


def test_a_name_stands_for_the_method_also_of_runs_that_were_finished(store: Path) -> None:
    def train(*, loss: str = "minimax", name: str | None = None) -> set[str]:
        table = ganbench.run(
            loss, dataset="ring", steps=2, options=FEW, name=name, experiment="named", store=store, progress=False
        )
        return set(table["name"])

    assert train() == {""}
    assert train(name="balanced") == {"balanced"}
    assert train() == {"balanced"}, "only a new name replaces one"
    words = ["run", "--dataset", "ring", "--loss", "hinge", "--steps", "2", "--experiment", "named"]
    words += [word for option, value in FEW.items() for word in ("--set", f"{option}={value}")]
    words += ["--store", str(store)]
    for name_again in (["--name", "with - a margin"], []):  # the second time, the run has its name already
        result = CliRunner().invoke(main, [*words, *name_again])
        assert result.exit_code == 0, result.output
        lines = [" ".join(line.split()) for line in result.output.splitlines()]
        assert ("name with - a margin" in lines) == bool(name_again)
        assert [line for line in lines if line.startswith("with - a margin, seed 0: ")]
        assert "hinge, seed" not in result.output
        assert "/samples/ring-with-a-margin-seed0-" in result.output
    compared = ganbench.compare(ganbench.load_results("named", store=store))
    assert set(compared.groups["method"]) == {"balanced", "with - a margin"}
    with closing(sqlite3.connect(store / "mlflow.db")) as database:
        headings = {heading for (heading,) in database.execute(HEADINGS, ("named",))}
    assert headings == {"balanced", "balanced · seed 0", "with - a margin", "with - a margin · seed 0"}


def test_options_override_those_of_a_file(tmp_path: Path, store: Path) -> None:
    config = tmp_path / "spec.toml"
    config.write_text('[dataset]\nname = "ring"\n[loss]\nname = "hinge"\n[train]\nepochs = 3\n')
    table = ganbench.run(config=config, steps=2, options=FEW, experiment="file", store=store, progress=False)
    assert set(table["loss"]) == {"hinge"}
    assert set(table.loc[table["kind"] == "final", "step"]) == {2}


def test_sweep_returns_the_runs_of_its_file_and_fails_after_the_others(
    tmp_path: Path, store: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file, plugin = tmp_path / "losses.toml", tmp_path / "broken.py"
    file.write_text(EXPERIMENT)
    plugin.write_text(UNCOMPUTABLE)

    def train(where: dict[str, object] | None = None, seeds: int | None = None) -> set[tuple[str, int]]:
        table = ganbench.sweep(
            file, where=where, seeds=seeds, jobs=1, threads=1, plugins=[plugin], store=store, progress=False
        )
        assert set(table["status"]) == {"finished"}
        return set(zip(table["loss"], table["seed"], strict=True))

    assert train({"loss": "minimax"}, seeds=1) == {("minimax", 1)}
    with pytest.raises(ganbench.GanbenchError, match=r"1 of 2 groups failed.*of my own"):
        train()
    assert train({"loss": ["minimax"]}) == {("minimax", 0), ("minimax", 1)}
    assert capfd.readouterr().out == ""
    words = ["status", str(file), "--store", str(store), "--plugin", str(plugin), "--where", "loss=minimax"]
    assert CliRunner().invoke(main, words).exit_code == 0


def test_interrupted_training_raises_and_the_next_call_resumes(store: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rare = FEW | {"evaluation.every": 100_000}
    for _ in range(2):
        timer = threading.Timer(2, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        try:
            with pytest.raises(KeyboardInterrupt):
                ganbench.run(dataset="ring", steps=100_000, options=rare, experiment="cut", store=store)
        finally:
            timer.cancel()
    assert "going on from step" in capfd.readouterr().out


def test_run_works_in_a_thread(store: Path) -> None:
    tables = []

    def train() -> None:
        tables.append(ganbench.run(dataset="ring", steps=2, options=FEW, experiment="t", store=store, progress=False))

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert len(tables) == 1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ganbench.run("minmax"), "run --loss minmax"),
        (lambda: ganbench.run(arch="mlp:depth=3"), "run --arch mlp:depth=3"),
        (lambda: ganbench.run(steps="many"), "run --steps many"),
        (lambda: ganbench.run(options={"train.n_generators": 2}), "run --set train.n_generators=2"),
        (lambda: ganbench.run(penalty="r3"), "run --penalty r3"),
        (lambda: ganbench.run(seeds=[0, 0]), "run --seeds 0,0"),
        (lambda: ganbench.run(seeds="x"), "run --seeds x"),
        (lambda: ganbench.run(metrics=["no"]), "run --metric no"),
        (lambda: ganbench.run(name="a" * 81), f"run --name {'a' * 81}"),
        (lambda: ganbench.run(config="none.toml"), "run --config none.toml"),
        (lambda: ganbench.run(plugins=["none.py"]), "run --plugin none.py"),
        (lambda: ganbench.sweep("none.toml"), "sweep none.toml"),
        (lambda: ganbench.sweep("balance", budget="no"), "sweep balance --budget no"),
        (lambda: ganbench.sweep("balance", where={"loss": "no"}), "sweep balance --where loss=no"),
        (lambda: ganbench.sweep("balance", seeds="1-0"), "sweep balance --seeds 1-0"),
    ],
)
def test_errors_have_the_message_of_the_command(
    call: Callable[[], object], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ganbench.GanbenchError) as raised:
        call()
    result = CliRunner().invoke(main, words.split())
    assert result.exit_code == 2
    assert str(raised.value) in " ".join(result.output.split())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["n_generator", "train.", ".lr", "a.b.c"])
def test_options_without_a_table_are_refused(name: str) -> None:
    with pytest.raises(ganbench.GanbenchError, match=r"should be table\.option"):
        ganbench.run(options={name: 1})


def test_a_plug_in_may_be_named_in_each_call_until_it_changes(tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text("raise ValueError('half written')\n")
    for _ in range(2):
        with pytest.raises(ganbench.GanbenchError, match="half written"):
            ganbench.run("mine", plugins=[plugin])
    plugin.write_text(UNCOMPUTABLE.replace("uncomputable", "mine"))
    for _ in range(2):
        with pytest.raises(ganbench.GanbenchError, match="unknown metric 'no'"):
            ganbench.run("mine", dataset="ring", metrics=["no"], plugins=[plugin])
    plugin.write_text(plugin.read_text() + "\n# another line\n")
    with pytest.raises(ganbench.GanbenchError, match="has changed since this process loaded it"):
        ganbench.run("mine", plugins=[plugin])
