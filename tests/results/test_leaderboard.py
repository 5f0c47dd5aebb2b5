"""The leaderboard: its order, its denominators, and foreign text in it, from made-up runs with known answers."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.results.csv_file import read_csv, write_csv
from ganbench.results.inference import find_lead
from ganbench.results.leaderboard import Board, boards, join
from ganbench.results.report.leaderboard import render_leaderboard
from ganbench.tracking import RunRecord, Status
from tests.results.test_loading import record, table

REPORT = Path(__file__).parents[2] / "reports" / "2026-11-25_e3ef7a85ec" / "results.csv"
MISSING = {"good": [0, 0, 0, 1, 0, 0], "middling": [2, 3, 2, 4, 3, 2], "bad": [7, 8, 8, 9, 7, 8]}


def seeds(loss: str, missing: Sequence[int], statuses: Mapping[int, Status] | None = None) -> list[RunRecord]:
    """Runs that lost so many of ten modes; `statuses` are those of seeds that didn't finish."""
    statuses = statuses or {}
    return [
        record(loss, seed, fid=1.0 + lost, missing=lost, status=statuses.get(seed, "finished"))
        for seed, lost in enumerate(missing)
    ]


def board_of(*records: RunRecord) -> Board:
    (board,) = boards(table(*records))
    return board


def study() -> list[RunRecord]:
    return [run for loss in ("middling", "bad", "good") for run in seeds(loss, MISSING[loss])]


def run_command(*words: str) -> Result:
    return CliRunner().invoke(main, ["leaderboard", *words])


def test_methods_are_sorted_by_interquartile_mean_and_those_that_are_shown_to_be_worse_are_behind() -> None:
    board = board_of(*study())
    assert board.metrics == ("modes_strict", "kl")
    assert [entry.method for entry in board.entries] == ["good", "middling", "bad"]
    assert [board.standing(entry.method, "modes_strict") for entry in board.entries] == ["best", "behind", "behind"]
    assert [entry.lost for entry in board.entries] == [1, 6, 6]


@pytest.mark.parametrize("order", [("a", "b", "c"), ("c", "a", "b")])
def test_first_of_a_table_is_the_leader_of_its_ranking_also_if_means_are_equal(order: tuple[str, ...]) -> None:
    missing = {"a": [0, 0, 0, 0, 0, 9], "b": [0] * 6, "c": [0, 0, 0, 0, 9, 0]}
    board = board_of(*(run for loss in order for run in seeds(loss, missing[loss])))
    first = board.metrics[0]
    assert len({entry.estimates[first].middle for entry in board.entries}) == 1
    losses = {entry.method: entry.losses[first] for entry in board.entries}
    lead = find_lead(losses, {entry.method: entry.estimates[first] for entry in board.entries})
    assert [entry.method for entry in board.entries] == ["b", "a", "c"]
    assert lead.method == board.rankings[first].lead.method == "b"
    assert {board.standing(method, first) for method in "abc"} == {"undecided"}


@pytest.mark.parametrize("status", ["diverged", "collapsed", "stopped", "running"])
def test_a_seed_that_did_not_finish_stays_in_every_denominator_and_ranks_worst(status: Status) -> None:
    whole = board_of(*seeds("good", [0] * 6), *seeds("bad", MISSING["bad"]))
    board = board_of(*seeds("good", [0] * 6, {0: status, 3: status}), *seeds("bad", MISSING["bad"]))
    assert [entry.method for entry in whole.entries] == ["good", "bad"]
    assert [entry.method for entry in board.entries] == ["bad", "good"]
    failed = board.entries[1]
    assert (failed.seeds, dict(failed.unfinished), failed.lost) == (6, {status: 2}, 2)
    assert math.isinf(failed.estimates["modes_strict"].middle)
    assert f"2 {status}" in render_leaderboard([board], "table")


def test_a_method_of_which_no_seed_finished_is_shown_last() -> None:
    board = board_of(*seeds("good", [0] * 5, dict.fromkeys(range(5), "diverged")), *seeds("bad", [9] * 5))
    assert [(entry.method, entry.seeds) for entry in board.entries] == [("bad", 5), ("good", 5)]
    (alone,) = boards(table(*seeds("good", [0], {0: "diverged"})))
    assert [entry.seeds for entry in alone.entries] == [1]
    for style in ("table", "markdown", "csv"):
        render_leaderboard([alone], style)


def test_a_method_of_which_no_seed_has_ended_is_left_out() -> None:
    running = seeds("running", [0] * 5, {0: "running", **dict.fromkeys(range(1, 5), "stopped")})
    assert [entry.method for entry in board_of(*seeds("bad", [9] * 5), *running).entries] == ["bad"]
    with pytest.raises(GanbenchError, match="none of them has ended"):
        boards(table(*running))


def test_better_metrics_are_ranked_by_if_the_protocol_has_them() -> None:
    records = [dataclasses.replace(run, history=[*run.history, ("kl_corrected", 20, 0.5)]) for run in study()]
    results = table(*records)
    results["direction"] = results["direction"].astype(object)
    results.loc[results["metric"] == "kl_corrected", "direction"] = "lower"
    assert boards(results)[0].metrics == ("modes_strict", "kl_corrected")
    only_fid = table(*(record("a", seed, 1.0, without=["kl", "modes", "modes_strict"]) for seed in range(2)))
    assert boards(only_fid)[0].metrics == ("fid",)


def test_scores_from_other_numbers_of_samples_are_in_another_table() -> None:
    more = [record("good", 9, 1.0, samples=9000.0, params={"evaluation.samples": "9000"})]
    assert sorted(board.setting.samples for board in boards(table(*study(), *more))) == [5000.0, 9000.0]


def test_a_run_in_several_files_counts_once() -> None:
    first, second = table(*seeds("good", [0, 0, 0])), table(*seeds("good", [9, 9, 9, 0, 0]))
    joined, repeated = join([first, second])
    (board,) = boards(joined)
    assert (repeated, board.entries[0].seeds, board.entries[0].lost) == (3, 5, 0)


FOREIGN = "=cmd()|<b>*x*</b>\x1b[31m\n# y\u202e"


def foreign() -> pd.DataFrame:
    records = [dataclasses.replace(run, tags={**run.tags, "commit": FOREIGN, "tuned": FOREIGN}) for run in study()]
    return table(*records, *seeds(FOREIGN, [1, 1, 1, 1, 1]))


def test_foreign_text_is_escaped_in_every_format() -> None:
    ranked = boards(foreign())
    plain = "=cmd()|<b>*x*</b>[31m# y"
    shown = {style: render_leaderboard(ranked, style) for style in ("table", "markdown", "csv")}
    for text in shown.values():
        assert "\x1b[31m" not in text
        assert "\u202e" not in text
    assert plain in shown["table"]
    assert shown["table"].count("not stated") == 1
    assert r"=cmd()¦\<b>\*x\*\</b>[31m# y" in shown["markdown"]
    rows = list(csv.DictReader(io.StringIO(shown["csv"])))
    assert {row["method"] for row in rows} == {"good", "middling", "bad", f"'{plain}", "real data"}
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())


def test_command_reads_files_and_markdown_is_stable(tmp_path: Path) -> None:
    path, other = tmp_path / "results.csv", tmp_path / "other.csv"
    write_csv(table(*study()), path)
    write_csv(table(*reversed(study())), other)
    first = run_command(str(path), "--format", "markdown")
    assert first.exit_code == 0, first.output
    assert run_command(str(path), "--format", "markdown").output == first.output
    assert run_command(str(other), "--format", "markdown").output == first.output
    assert first.output.startswith("## mnist, ganbench-1 v1, 5,000 samples\n\n| method | modes_strict | kl |")
    assert "| real data | 10 | 0.001 |" in first.output
    assert "Sorted by the interquartile mean of modes_strict (higher is better)" in first.output


def test_default_is_the_reports_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    nothing = run_command()
    assert nothing.exit_code == 2
    assert "there is no reports/*/results.csv here" in nothing.output
    folder = tmp_path / "reports" / "mine"
    folder.mkdir(parents=True)
    write_csv(table(*study()), folder / "results.csv")
    assert "middling" in run_command().output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["missing.csv"], "can't be read"),
        (["FILE", "--dataset", "rings"], "no run is on the data set 'rings'"),
        (["FILE", "--method", "good"], "add --check"),
        (["--check"], "name the file to check"),
        (["FILE", "--check", "--method", "god"], "did you mean 'good'?"),
    ],
)
def test_refusals_are_one_line_and_status_2(words: list[str], message: str, tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    write_csv(table(*study()), path)
    result = run_command(*(str(path) if word == "FILE" else word for word in words))
    assert (result.exit_code, result.output.count("\n")) == (2, 1), result.output
    assert message in result.output


def test_empty_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    write_csv(table(*study()).iloc[:0], path)
    result = run_command(str(path))
    assert result.exit_code == 2, result.output
    assert "there are no runs to rank" in result.output


def test_an_old_report_is_ranked_and_says_by_what() -> None:
    ranked = boards(read_csv(REPORT).table, "ring")
    assert [board.metrics for board in ranked] == [("modes_strict", "kl_corrected")]
    assert [entry.seeds for entry in ranked[0].entries] == [10] * 5
    assert "modes_strict (higher is better)" in render_leaderboard(ranked, "table")
