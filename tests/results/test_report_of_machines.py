"""One report on a study whose runs were made on several machines."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from ganbench.cli import main
from ganbench.results.csv_file import read_csv
from ganbench.results.loading import Results
from ganbench.results.report import write_report
from ganbench.results.views import runs
from ganbench.tracking import Status
from tests.results.test_loading import record, table
from tests.results.test_report import pictures

SPLIT = ((0, 1, 2, 5, 7), (3, 4, 6, 8, 9, 10, 11))
"""Seeds of two machines, from the best to the worst. Their reports show 0, 2 and 7, and 3, 8 and 11."""
SORTED = ["run", "kind", "metric", "step"]


def report_on(study: pd.DataFrame, folder: Path, title: str = "A study") -> Path:
    return write_report(Results(study, pictures), folder, title=title) / "results.csv"


def report_from(*sources: Path, out: Path) -> Result:
    arguments = [word for source in sources for word in ("--from", str(source))]
    return CliRunner().invoke(main, ["report", *arguments, "--out", str(out)])


def seeds(*numbers: int, fid: float = 9.0, status: Status = "finished") -> pd.DataFrame:
    return table(*(record(loss, seed, fid + seed, status=status) for loss in ("minimax", "hinge") for seed in numbers))


def test_runs_of_two_machines_make_the_report_of_one(tmp_path: Path) -> None:
    first, second = (
        report_on(seeds(number), tmp_path / name, f"On {name}") for number, name in ((0, "one"), (1, "two"))
    )
    result = report_from(first, second, out=tmp_path / "both")
    assert result.exit_code == 0, result.output
    (folder,) = (tmp_path / "both").iterdir()
    merged, whole = (
        read_csv(source).table.sort_values(SORTED, ignore_index=True)
        for source in (folder / "results.csv", report_on(seeds(0, 1), tmp_path / "whole"))
    )
    pd.testing.assert_frame_equal(merged, whole, check_categorical=False)
    samples = {path.name: path.read_bytes() for part in (first, second) for path in (part.parent / "samples").iterdir()}
    assert {path.name: path.read_bytes() for path in (folder / "samples").iterdir()} == samples
    assert len(samples) == 4 * 2, "four runs at two steps"
    assert "<h1>On one</h1>" in (folder / "report.html").read_text()


def test_merged_report_is_written_again_with_the_same_bytes(tmp_path: Path) -> None:
    parts = [report_on(seeds(*numbers), tmp_path / str(number)) for number, numbers in enumerate(SPLIT)]
    assert report_from(*parts, out=tmp_path / "both").exit_code == 0
    (folder,) = (tmp_path / "both").iterdir()
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    result = CliRunner().invoke(main, ["report", "--from", str(folder / "results.csv")])
    assert result.exit_code == 0, result.output
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_middle_seed_is_one_with_samples(tmp_path: Path) -> None:
    """The middle of all is 6."""
    parts = [report_on(seeds(*numbers), tmp_path / str(number)) for number, numbers in enumerate(SPLIT)]
    assert report_from(*parts, out=tmp_path / "both").exit_code == 0
    (folder,) = (tmp_path / "both").iterdir()
    pictured = {path.name.rpartition("-")[0] for path in (folder / "samples").iterdir()}
    table = read_csv(folder / "results.csv").table
    shown = table[table["run"].isin(pictured)].groupby("loss", observed=True)["seed"].unique().map(sorted)
    assert shown.to_dict() == {"hinge": [0, 7, 11], "minimax": [0, 7, 11]}
    assert "middle seed 7" in (folder / "report.md").read_text()


def test_run_in_both_counts_once_and_keeps_all_of_its_numbers(tmp_path: Path) -> None:
    """A report has modes' shares during training of the runs that it shows only."""
    first = report_on(seeds(0, 1, 2, 3, 4), tmp_path / "one")
    second = report_on(seeds(1), tmp_path / "two")
    shares = [
        set(part.loc[(part["kind"] == "quick") & part["metric"].str.startswith("good/"), "run"])
        for part in (read_csv(source).table for source in (first, second))
    ]
    assert not shares[0] & shares[1]
    assert report_from(first, second, out=tmp_path / "both").exit_code == 0
    (folder,) = (tmp_path / "both").iterdir()
    merged = read_csv(folder / "results.csv").table
    assert len(runs(merged)) == 10
    assert not merged.duplicated(SORTED).any()
    again = report_from(second, first, out=tmp_path / "other-order")
    assert again.exit_code == 0, again.output


def test_run_that_was_interrupted_on_one_machine_and_ended_on_another_has_ended(tmp_path: Path) -> None:
    stopped = seeds(0, status="stopped")
    parts = [report_on(part, tmp_path / str(number)) for number, part in enumerate((stopped, seeds(0, 1)))]
    for number, order in enumerate((parts, parts[::-1])):
        result = report_from(*order, out=tmp_path / f"both{number}")
        assert result.exit_code == 0, result.output
        (folder,) = (tmp_path / f"both{number}").iterdir()
        assert set(runs(read_csv(folder / "results.csv").table)["status"]) == {"finished"}


@pytest.mark.parametrize(
    ("other", "complaint"),
    [
        (seeds(1, fid=9.5), "with different numbers: "),
        (seeds(1, status="diverged"), "is finished in "),
        (seeds(1).assign(floor=0.25), "with different numbers: the floor of "),
    ],
    ids=["value", "status", "floor"],
)
def test_run_that_differs_is_refused_in_one_line(other: pd.DataFrame, complaint: str, tmp_path: Path) -> None:
    first, second = report_on(seeds(0, 1), tmp_path / "one"), report_on(other, tmp_path / "two")
    result = report_from(first, second, out=tmp_path / "both")
    assert result.exit_code == 2, result.output
    assert result.output.startswith("Error: the run 'minimax1")
    assert complaint in result.output
    assert str(first) in result.output
    assert str(second) in result.output
    assert result.output.count("\n") == 1
    assert not (tmp_path / "both").exists()


def test_time_and_device_may_differ(tmp_path: Path) -> None:
    faster = seeds(1)
    faster = faster.assign(seconds=faster["seconds"] / 2, device=faster["device"].cat.rename_categories(["gpu"]))
    result = report_from(
        report_on(seeds(0, 1), tmp_path / "one"), report_on(faster, tmp_path / "two"), out=tmp_path / "both"
    )
    assert result.exit_code == 0, result.output
    (folder,) = (tmp_path / "both").iterdir()
    assert set(read_csv(folder / "results.csv").table["device"]) == {"cpu"}, "the first file says what run it is"


def test_samples_behind_a_link_are_refused(tmp_path: Path) -> None:
    first, second = (report_on(seeds(number), tmp_path / str(number)) for number in (0, 1))
    outside = tmp_path / "outside"
    (second.parent / "samples").rename(outside)
    (second.parent / "samples").symlink_to(outside)
    result = report_from(first, second, out=tmp_path / "both")
    assert result.exit_code == 2
    assert "remove it" in result.output
    assert not (tmp_path / "both").exists()
