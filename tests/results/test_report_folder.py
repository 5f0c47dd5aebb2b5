"""A report's folder may come from a stranger: it is neither read nor written through links."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.core.unfinished import unfinished_name
from ganbench.results.loading import Results
from ganbench.results.report import write_report, write_report_again
from ganbench.results.report.about import FILE
from tests.results.test_loading import STUDY
from tests.results.test_report import pictures


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return write_report(Results(STUDY, pictures), tmp_path / "reports", title="A study")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder outside of the report, with a file."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_text("secret")
    return folder


@pytest.mark.parametrize("name", ["report.html", "report.md", "figures/fid-mnist.svg"])
def test_a_linked_file_is_replaced_and_its_target_is_kept(report: Path, outside: Path, name: str) -> None:
    (report / name).unlink()
    (report / name).symlink_to(outside / "secret")
    assert write_report_again(report / "results.csv") == report
    assert (outside / "secret").read_text() == "secret"
    assert not (report / name).is_symlink()


def link_figures(report: Path, outside: Path) -> None:
    shutil.rmtree(report / "figures")
    (report / "figures").symlink_to(outside)


def link_samples(report: Path, outside: Path) -> None:
    (report / "samples").rename(outside / "samples")
    (report / "samples").symlink_to(outside / "samples")


def link_picture(report: Path, outside: Path) -> None:
    picture = next((report / "samples").iterdir())
    picture.unlink()
    picture.symlink_to(outside / "secret")


def link_description(report: Path, outside: Path) -> None:
    (report / FILE).rename(outside / FILE)
    (report / FILE).symlink_to(outside / FILE)


def make_picture_a_pipe(report: Path, outside: Path) -> None:
    picture = next((report / "samples").iterdir())
    picture.unlink()
    os.mkfifo(picture)


@pytest.mark.parametrize(
    "attack",
    [link_figures, link_samples, link_picture, link_description, make_picture_a_pipe],
    ids=lambda f: f.__name__,
)
def test_other_links_and_pipes_are_refused(report: Path, outside: Path, attack: Callable[[Path, Path], None]) -> None:
    attack(report, outside)
    before = sorted(outside.rglob("*"))
    result = CliRunner().invoke(main, ["report", "--from", str(report / "results.csv")])
    assert result.exit_code == 2, result.output
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1
    assert "remove it" in result.output
    assert sorted(outside.rglob("*")) == before
    assert not list(report.glob(".part-*"))


def test_report_removes_what_a_killed_one_left_unfinished(report: Path, outside: Path) -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    name = unfinished_name().replace(str(os.getpid()), str(process.pid))
    (report / f"{name}-x" / "figures").mkdir(parents=True)
    (report / f"{name}-y").symlink_to(outside)
    write_report_again(report / "results.csv")
    assert not list(report.glob(".part-*"))
    assert (outside / "secret").exists()


def test_run_id_of_a_foreign_store_stays_in_the_folder(tmp_path: Path) -> None:
    study = STUDY.assign(run="../../" + STUDY["run"])
    folder = write_report(Results(study, pictures), tmp_path / "a" / "b", title="A study")
    assert list((folder / "samples").iterdir())
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_damaged_picture_of_a_store_is_named(tmp_path: Path) -> None:
    def damaged(runs: object, most: int) -> dict[str, dict[int, bytes]]:
        return {"minimax05": {10: b"no picture"}}

    with pytest.raises(GanbenchError, match=r"run 'minimax05' at step 10 is damaged"):
        write_report(Results(STUDY, damaged), tmp_path, title="A study")
