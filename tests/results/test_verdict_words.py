"""The words of verdicts in a comparison: as in the summary of each run, and beside numbers that look like success."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from ganbench.core.mode_states import ModeState
from ganbench.core.verdict import Measured, Verdict
from ganbench.core.verdict_word import word_of
from ganbench.results.compare import compare
from ganbench.results.csv_file import read_csv
from ganbench.results.report.comparison import render_comparison
from ganbench.results.run_summary import summarize_run
from ganbench.results.verdict_words import names_for_words, words_of_runs
from ganbench.results.verdicts import verdict_on
from ganbench.results.views import SCORED
from ganbench.runs.log_schema import named_verdict
from ganbench.tracking import RunRecord, Status
from tests.results.test_loading import record, table

RESULTS = sorted((Path(__file__).parents[2] / "reports").glob("2026-11-28_*/results.csv"))
MODES = tuple(map(str, range(10)))


def verdict(good: float, lost: int = 0, thin: int = 0, repeated: float = 0.001, covered: float = 0.8) -> Verdict:
    states: dict[str, ModeState] = dict.fromkeys(MODES[:lost], "lost")
    states |= dict.fromkeys(MODES[lost : lost + thin], "thin")
    return Verdict(
        MODES,
        states,
        good=Measured(good, 0.99, 0.001),
        near_duplicates=Measured(repeated, 0.001, 0.001),
        covered=Measured(covered, 0.9, 0.01),
        copies=Measured(0.0, 0.0, 0.001),
    )


def judged(loss: str, seed: int, fid: float, judgement: Verdict | None, status: Status = "finished") -> RunRecord:
    """A run with all modes whose samples were judged."""
    run = record(loss, seed, fid, status=status)
    numbers = {} if judgement is None else named_verdict(judgement)
    return dataclasses.replace(run, history=[*run.history, *((name, 20, value) for name, value in numbers.items())])


@pytest.mark.parametrize("source", RESULTS, ids=lambda path: path.parent.name)
def test_words_from_tracked_counts_are_those_of_full_verdicts(source: Path) -> None:
    results = read_csv(source).table
    words = words_of_runs(results)
    for run, rows in results.groupby("run", observed=True):
        full = verdict_on(rows) if rows["status"].iloc[0] in SCORED else None
        diverged = "DIVERGED" if rows["status"].iloc[0] == "diverged" else None
        assert words.get(str(run)) == (word_of(full) if full is not None else diverged)


GOOD, PARTLY, UNLEARNED = verdict(good=0.9), verdict(good=0.9, thin=1), verdict(good=0.02)
STUDY = table(
    *(judged("hinge", seed, 10.0 + seed, UNLEARNED) for seed in range(7)),
    *(judged("minimax", seed, 100.0 + seed, verdict(good=0.9, lost=6)) for seed in range(6)),
    judged("minimax", 6, 90.0, None, "diverged"),
)


def test_words_are_counted_in_the_comparison_the_best_first() -> None:
    mixed = [GOOD, PARTLY, GOOD, UNLEARNED, verdict(good=0.9, lost=5), verdict(good=0.9, repeated=0.6)]
    runs = table(*(judged("hinge", seed, 10.0, judgement) for seed, judgement in enumerate(mixed)))
    (group,) = compare(runs).groups.to_dict("records")
    assert group["verdict"] == "2 GOOD, 1 PARTLY, 2 COLLAPSED, 1 NOT LEARNED YET"
    assert compare(table(judged("hinge", 0, 1.0, GOOD))).groups["verdict"].tolist() == ["GOOD"]
    assert compare(table(record("hinge", 0, 1.0))).groups["verdict"].tolist() == [""], "no verdict was tracked"


def test_all_modes_with_hardly_a_good_sample_are_no_success() -> None:
    """Every seed of the winner has all of its modes, and a hundredth of its samples is good."""
    text = render_comparison(STUDY, compare(STUDY), "table")
    head, hinge, minimax, real, *_ = text.splitlines()
    assert head.split()[:3] == ["loss", "arch", "verdict"]
    assert " 7 NOT LEARNED YET " in hinge
    assert " 6 COLLAPSED, 1 DIVERGED " in minimax
    assert "real data" in real
    assert "On mnist (mlp), the verdict is GOOD on none of 7 seeds of each of hinge and minimax (0–41 %)." in text
    (winner,) = [line for line in text.splitlines() if line.startswith("fid: hinge is better than minimax")]
    assert winner.endswith(", but none of its seeds is GOOD: 7 NOT LEARNED YET")
    runs = [judged("hinge", seed, 10.0 + seed, GOOD if seed else UNLEARNED) for seed in range(7)]
    better = table(*runs, *(judged("minimax", seed, 100.0 + seed, UNLEARNED) for seed in range(7)))
    text = render_comparison(better, compare(better), "table")
    assert "the verdict is GOOD on 6 of 7 seeds of hinge (42–100 %); none of 7 seeds of minimax (0–41 %)." in text
    assert "but none of its seeds" not in text


def test_nothing_is_said_of_verdicts_that_are_not_all_known() -> None:
    some = table(judged("hinge", 0, 10.0, GOOD), record("hinge", 1, 10.0), record("minimax", 0, 1.0))
    text = render_comparison(some, compare(some), "table")
    assert "the verdict is GOOD" not in text
    assert " GOOD " in text


def test_what_a_comparison_loads_is_enough_for_the_words() -> None:
    names = names_for_words()
    assert {name for name in named_verdict(GOOD) if "misplaced" not in name and name != "verdict/not_sharp"} <= names
    for run in (judged("hinge", 0, 1.0, judgement) for judgement in (GOOD, PARTLY, UNLEARNED)):
        needed = [row for row in run.history if row[0] in names or "verdict" not in row[0]]
        full = words_of_runs(table(run))
        assert words_of_runs(table(dataclasses.replace(run, history=needed))) == full
        assert len(full) == 1


def test_a_summary_begins_with_the_same_word() -> None:
    run = judged("hinge", 0, 10.0, UNLEARNED)
    assert summarize_run(table(run), run.id).startswith("NOT LEARNED YET: 2.0% of samples are good")
