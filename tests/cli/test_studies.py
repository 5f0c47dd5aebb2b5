"""`ganbench status FOLDER`: one line for each experiment."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from ganbench.cli import main

FILE = """
seeds = 2
[base]
dataset = "ring"
protocol = "pacgan-2018"
[base.train]
steps = {steps}
batch_size = 8
[axes]
loss = ["minimax", "hinge"]
"""


def test_status_of_a_folder_has_a_line_for_each_experiment(tmp_path: Path) -> None:
    folder, store = tmp_path / "questions", str(tmp_path / "store")
    folder.mkdir()
    (folder / "done.toml").write_text(FILE.format(steps=2))
    (folder / "waiting.toml").write_text(FILE.format(steps=3))
    trained = CliRunner().invoke(main, ["sweep", str(folder / "done.toml"), "--store", store, "--jobs", "1"])
    assert trained.exit_code == 0, trained.output
    status = CliRunner().invoke(main, ["status", str(folder), "--store", store])
    assert status.exit_code == 1, "something is missing"
    heading, done, waiting, *_ = (line.split() for line in status.output.splitlines())
    assert heading == ["experiment", "groups", "runs", "trained", "left"]
    assert (done[:7], done[-1]) == (["done", "2", "of", "2", "4", "of", "4"], "done")
    assert waiting == ["waiting", "0", "of", "2", "0", "of", "4", "not", "known", "yet"]
    one = CliRunner().invoke(main, ["status", str(folder / "done.toml"), "--store", store])
    assert one.exit_code == 0
    assert "2 of 2 groups done" in one.output
