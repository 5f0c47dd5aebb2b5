"""Two runs side by side."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from ganbench.core.errors import GanbenchError
from ganbench.results.report.difference import side_by_side
from ganbench.results.run_diff import differ, find, share_noise
from tests.results.test_loading import record, table


def two() -> tuple[pd.DataFrame, str, str]:
    study = table(
        record("minimax", 0, 9.0, params={"train.steps": "20"}, events=[("missing-modes", 10, 1.0)]),
        record("minimax", 1, 7.0, missing=3, params={"train.steps": "40"}, status="collapsed"),
    )
    return study, *study["run"].unique()


def test_the_specs_come_first_then_scores_events_and_endings() -> None:
    study, first, second = two()
    found = differ(study, first, second)
    assert found.spec == [("seed", "0", "1"), ("train.steps", "20", "40")]
    assert found.surroundings == [("status", "finished", "collapsed")]
    scores = {score.metric: score for score in found.scores}
    assert (scores["fid"].first, scores["fid"].second, scores["fid"].floor) == (9.0, 7.0, 0.5)
    assert not scores["fid"].tie, "its noise is not known"
    assert scores["modes"].difference == -3
    assert scores["hq"].tie, "they are the same"
    assert found.events == [("missing-modes", [10], [])]
    text = side_by_side(study, first, second, "table")
    assert text.index("train.steps") < text.index("fid") < text.index("missing-modes") < text.index("given up")
    assert json.loads(side_by_side(study, first, second, "json"))["spec"][1] == ["train.steps", "20", "40"]
    assert "| fid | 9 | 7 | −2 | 0.5 |" in side_by_side(study, first, second, "markdown")


def test_scores_of_other_protocols_are_not_set_against_each_other() -> None:
    study = table(record("minimax", 0, 9.0), record("minimax", 1, 7.0, protocol="pacgan-2018 v1"))
    first, second = study["run"].unique()
    text = side_by_side(study, first, second, "table")
    assert "can't be compared: ganbench-1 v1 is another protocol than pacgan-2018 v1" in text
    assert "B − A" not in text


def test_runs_are_found_by_how_they_begin() -> None:
    study, first, second = two()
    assert find(study, first) == first
    with pytest.raises(GanbenchError, match="there is no run 'zzz'"):
        find(study, "zzz")
    with pytest.raises(GanbenchError, match="several runs begin with ''"):
        find(study, "")
    with pytest.raises(GanbenchError, match="are the same run"):
        differ(study, second, second)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.98])
def test_equal_generators_are_a_tie_in_nineteen_of_twenty(share: float) -> None:
    """A law of the binomial distribution, by simulation."""
    drawn = np.random.default_rng(0).binomial(10_000, share, (2, 4_000)) / 10_000
    ties = [abs(one - other) <= share_noise(one, other, 10_000) for one, other in drawn.T]
    assert 0.94 < np.mean(ties) < 0.96
