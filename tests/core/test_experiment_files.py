"""Experiments are found by path first, then by the name that `ganbench experiments` lists."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.core.experiment_files import experiment_files, experiments_folder, find_experiment
from ganbench.core.settings import read_config


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", ["balance", "balance.toml", "experiments/balance.toml", "experiments/balance"])
def test_an_experiment_is_found_by_its_name_from_any_folder(name: str) -> None:
    assert find_experiment(Path(name)) == experiments_folder() / "balance.toml"


def test_experiments_and_folders_of_subfolders_are_found() -> None:
    assert find_experiment(Path("studies/balance")) == experiments_folder() / "studies" / "balance.toml"
    assert find_experiment(Path("studies")) == experiments_folder() / "studies"


def test_a_path_comes_before_a_name() -> None:
    Path("balance").write_text("")
    assert find_experiment(Path("balance")) == Path("balance")


@pytest.mark.parametrize("command", ["sweep", "status"])
def test_an_unknown_name_is_one_line_with_the_nearest(command: str) -> None:
    with pytest.raises(GanbenchError, match="did you mean 'balance'"):
        find_experiment(Path("balanec.toml"))
    result = CliRunner().invoke(main, [command, "balanec"])
    assert result.exit_code == 2
    assert "did you mean 'balance'" in result.stderr


def test_experiments_lists_each_with_its_question_on_one_line() -> None:
    lines = CliRunner().invoke(main, ["experiments"]).output.splitlines()
    assert [line.split()[0] for line in lines] == list(experiment_files())
    for line, path in zip(lines, experiment_files().values(), strict=True):
        assert line.split()[1] == str(read_config(path)["question"]).split()[0]
        assert line.endswith("?")
