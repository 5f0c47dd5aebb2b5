"""Reproduction of a run: equal numbers agree, other numbers do not, and incomparable runs are rejected."""

from __future__ import annotations

import dataclasses
import math
import threading
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.runs.reproduce import LARGEST, Difference, compare_numbers, reproduce, spec_of, threads_of
from ganbench.runs.task import Task, perform
from ganbench.spec.run_spec import resolve
from ganbench.tracking import RunRecord
from ganbench.tracking.ensemble_seeds import OLD_SEEDS_TAG, SEEDS_TAG
from ganbench.tracking.mlflow.client import find_run
from ganbench.tracking.mlflow.reading import read_runs
from ganbench.tracking.store import find_store
from tests.runs.test_executors import SETTINGS
from tests.runs.test_run import Silent

pytestmark = pytest.mark.usefixtures("one_thread")

NUMBERS = {("quick/fid", 5): 2.0, ("mode/1", 5): 0.1, ("quick/fid", 10): 1.0, ("train/seconds", 5): 3.0}
ELSEWHERE = {"machine": ("here", "there")}


def test_equal_numbers_agree_regardless_of_times() -> None:
    comparison = compare_numbers(NUMBERS, NUMBERS | {("train/seconds", 5): 7.0}, {})
    assert (comparison.agreement, comparison.numbers, comparison.differences) == ("same", 3, ())


def test_values_clipped_by_the_store_agree_with_infinity() -> None:
    tracked = {("a", 1): LARGEST, ("b", 1): -LARGEST, ("c", 1): math.nan}
    again = {("a", 1): math.inf, ("b", 1): -math.inf, ("c", 1): math.nan}
    assert compare_numbers(tracked, again, {}).agreement == "same"
    assert compare_numbers(tracked, again | {("c", 1): 0.0}, {}).agreement == "different"


@pytest.mark.parametrize(
    ("changed", "here", "elsewhere"),
    [
        ({("quick/fid", 5): 2.0 * (1 + 1e-15)}, "different", "close"),
        ({("quick/fid", 5): 2.03}, "different", "close"),
        ({("quick/fid", 5): 2.05}, "different", "different"),
        ({("mode/1", 5): 0.1045}, "different", "close"),
        ({("mode/1", 5): 0.106}, "different", "different"),
        (
            {("quick/fid", 10): 77.0},
            "different",
            "close",
        ),  # after the first evaluation, training has amplified rounding
        ({("new", 5): 1.0}, "different", "different"),
    ],
)
def test_same_machine_must_agree_exactly_and_another_closely_at_first(
    changed: dict[tuple[str, int], float], here: str, elsewhere: str
) -> None:
    assert compare_numbers(NUMBERS, NUMBERS | changed, {}).agreement == here
    assert compare_numbers(NUMBERS, NUMBERS | changed, ELSEWHERE).agreement == elsewhere


def test_missing_number_is_a_difference() -> None:
    incomplete = {key: value for key, value in NUMBERS.items() if key != ("mode/1", 5)}
    assert compare_numbers(NUMBERS, incomplete, {}).differences == (Difference("mode/1", 5, 0.1, None),)


def with_old_tag(record: RunRecord) -> RunRecord:
    """The same run with the tag's name in earlier versions of ganbench."""
    tags = {OLD_SEEDS_TAG if name == SEEDS_TAG else name: value for name, value in record.tags.items()}
    return dataclasses.replace(record, tags=tags)


def test_reproduction_agrees_with_a_tracked_run_and_not_with_a_tampered_one(tmp_path: Path) -> None:
    store = find_store(str(tmp_path / "store"))
    spec = resolve(SETTINGS)
    perform(Task(spec.group_id, spec.to_dict(), (3, 5), "e", store.uri, "cpu"), threading.Event())
    record = next(run for run in read_runs(store, "e", history=True) if run.seed == 5)
    assert spec_of(record) == (spec, (3, 5)), "including the seed that was trained together with it"
    assert {SEEDS_TAG, OLD_SEEDS_TAG} & set(record.tags) == {SEEDS_TAG}
    assert spec_of(with_old_tag(record)) == (spec, (3, 5)), "from an older store"
    assert threads_of(record) == 1
    data = spec.dataset.load(torch.device("cpu"))

    def agreement_of(tampered: RunRecord, folder: str) -> str:
        reproduction = reproduce(tampered, torch.device("cpu"), data, tmp_path / folder, Silent(), threading.Event())
        assert reproduction is not None
        return reproduction.agreement

    assert agreement_of(with_old_tag(record), "a") == "same"
    ((name, step, value),) = (row for row in record.history if row[:2] == ("hq", spec.train.steps))
    others = [row for row in record.history if row[:2] != (name, step)]
    tampered = dataclasses.replace(record, history=[*others, (name, step, math.nextafter(value, 9e9))])
    assert agreement_of(tampered, "b") == "different"
    result = CliRunner().invoke(main, ["reproduce", record.id[:8], "--store", str(tmp_path / "store")])
    assert result.exit_code == 0, result.output
    assert "bit for bit" in result.output


def test_runs_that_cannot_be_reproduced_are_rejected(tmp_path: Path) -> None:
    spec = resolve(SETTINGS)
    tags = {"spec": "{}", SEEDS_TAG: "0", "commit": "abc"}
    record = RunRecord(spec.run_id(0), "g", 0, "finished", {}, tags, [])
    with pytest.raises(GanbenchError, match=r"means another run by now.*since abc"):
        spec_of(record)
    with pytest.raises(GanbenchError, match="has not come to its end: it is stopped"):
        spec_of(dataclasses.replace(record, status="stopped"))
    for missing in ("spec", SEEDS_TAG):
        with pytest.raises(GanbenchError, match="didn't keep its spec"):
            spec_of(dataclasses.replace(record, tags={name: tags[name] for name in tags if name != missing}))
    with pytest.raises(GanbenchError, match="there is no store"):
        find_run(find_store(str(tmp_path / "nowhere")), "abcdef")
    (tmp_path / "mlflow.db").touch()
    with pytest.raises(GanbenchError, match="is not a run id"):
        find_run(find_store(str(tmp_path)), "x' or 1=1")
