"""The functions that a notebook calls: the same results and messages as the commands, and nothing printed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import ganbench
from ganbench.cli.main import main

FEW = "--steps 2 --set evaluation.samples=500 --set evaluation.quick_samples=500"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with two seeds of a GAN that was hardly trained."""
    folder = tmp_path_factory.mktemp("public") / "store"
    words = f"run --dataset ring --loss minimax --arch mlp --seeds 0-1 {FEW}".split()
    result = CliRunner().invoke(main, [*words, "--store", str(folder)])
    assert result.exit_code == 0, result.output
    return str(folder)


def test_importing_ganbench_imports_nothing_heavy_and_lists_all_names() -> None:
    code = (
        "import sys, ganbench; print(*dir(ganbench)); ganbench.GanbenchError;"
        "print(*{'torch', 'mlflow', 'pandas', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    names, heavy = done.stdout.split("\n")[:2]
    assert set(names.split()) == {*ganbench.__all__, "metrics", "torchmetrics"}
    assert not heavy
    for name in ganbench.__all__:
        assert getattr(ganbench, name) is not None


def test_compare_returns_the_numbers_of_the_command(store: str, capfd: pytest.CaptureFixture[str]) -> None:
    table = ganbench.load_results(store=store)
    (group,) = ganbench.compare(table, by=["loss"], metrics=["hq", "modes"]).groups.to_dict("records")
    assert capfd.readouterr() == ("", "")
    words = ["compare", "--store", store, "--by", "loss", "--metric", "hq,modes", "--format", "json"]
    (printed,) = json.loads(CliRunner().invoke(main, words).output)["groups"]
    assert (group["seeds"], group["verdict"]) == (2, printed["verdict"])
    assert group["hq"] == pytest.approx(printed["hq"])
    assert group["modes"] == pytest.approx(printed["modes"])


def test_report_and_its_table(store: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = ganbench.report(store=store, out=tmp_path, title="Two rings")
    assert capfd.readouterr() == ("", "")
    assert "Two rings" in (folder / "report.html").read_text()
    written = ganbench.load_results(source=folder / "results.csv")
    tracked = ganbench.load_results(store=store, history=True)
    columns = ["run", "metric", "step", "value"]
    final_rows = [
        table.loc[table["kind"] == "final", columns].sort_values(columns[:3]).reset_index(drop=True)
        for table in (written, tracked)  # a report leaves out shares of modes during training
    ]
    assert len(final_rows[0])
    assert final_rows[0].equals(final_rows[1])
    before = (folder / "report.html").read_bytes()
    assert ganbench.report(sources=[folder / "results.csv"]) == folder
    assert (folder / "report.html").read_bytes() == before


def test_selected_scores_are_the_best_during_training(store: str) -> None:
    table = ganbench.load_results(store=store, select="best:hq")
    final = table[table["kind"] == "final"]
    assert set(final["selection"]) == {"best:hq"}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda store: ganbench.load_results("none", store=store), "compare --experiment none"),
        (lambda store: ganbench.load_results(store=store, select="worst"), "compare --select worst"),
        (lambda store: ganbench.load_results(source="none.csv"), "compare --from none.csv"),
        (lambda store: ganbench.compare(ganbench.load_results(store=store), by=["colour"]), "compare --by colour"),
        (lambda store: ganbench.compare(ganbench.load_results(store=store), metrics=["no"]), "compare --metric no"),
        (lambda store: ganbench.report("none", store=store), "report --experiment none"),
    ],
)
def test_errors_have_the_message_of_the_command(call: Callable[[str], object], words: str, store: str) -> None:
    with pytest.raises(ganbench.GanbenchError) as raised:
        call(store)
    result = CliRunner().invoke(main, [*words.split(), "--store", store])
    assert result.exit_code == 2
    assert str(raised.value) in " ".join(result.output.split())


def test_names_in_place_of_lists_are_refused(store: str, tmp_path: Path) -> None:
    table = ganbench.load_results(store=store)
    with pytest.raises(ganbench.GanbenchError, match=r"metrics is a list of names: write \['hq'\]"):
        ganbench.compare(table, metrics="hq")
    with pytest.raises(ganbench.GanbenchError, match="sources are a list"):
        ganbench.report(sources="results.csv", out=tmp_path)
    with pytest.raises(ganbench.GanbenchError, match="can't be set against 'imagse'"):
        ganbench.report(store=store, out=tmp_path, x="imagse")
    assert not list(tmp_path.iterdir())
