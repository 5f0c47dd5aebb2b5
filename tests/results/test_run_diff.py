"""Comparison of two runs."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from ganbench.core.errors import GanbenchError
from ganbench.results.report.difference import side_by_side
from ganbench.results.run_diff import differ, find, share_noise
from tests.results.test_loading import record, table


def two_runs() -> tuple[pd.DataFrame, str, str]:
    study = table(
        record("minimax", 0, 9.0, params={"train.steps": "20"}, events=[("missing-modes", 10, 1.0)]),
        record("minimax", 1, 7.0, missing=3, params={"train.steps": "40"}, status="collapsed"),
    )
    return study, *study["run"].unique()


def test_diff_lists_spec_then_scores_events_and_summaries() -> None:
    study, first, second = two_runs()
    difference = differ(study, first, second)
    assert difference.spec == [("seed", "0", "1"), ("train.steps", "20", "40")]
    assert difference.surroundings == [("status", "finished", "collapsed")]
    scores = {score.metric: score for score in difference.scores}
    assert (scores["fid"].first, scores["fid"].second, scores["fid"].floor) == (9.0, 7.0, 0.5)
    assert not scores["fid"].tie, "its noise is unknown"
    assert scores["modes"].difference == -3
    assert scores["hq"].tie, "the scores are equal"
    assert difference.events == [("missing-modes", [10], [])]
    text = side_by_side(study, first, second, "table")
    assert text.index("train.steps") < text.index("fid") < text.index("missing-modes") < text.index("given up")
    assert json.loads(side_by_side(study, first, second, "json"))["spec"][1] == ["train.steps", "20", "40"]
    assert "| fid | 9 | 7 | −2 | 0.5 |" in side_by_side(study, first, second, "markdown")


def test_scores_of_different_protocols_are_not_compared() -> None:
    study = table(record("minimax", 0, 9.0), record("minimax", 1, 7.0, protocol="pacgan-2018 v1"))
    first, second = study["run"].unique()
    text = side_by_side(study, first, second, "table")
    assert "can't be compared: ganbench-1 v1 is another protocol than pacgan-2018 v1" in text
    assert "B − A" not in text


def test_runs_are_found_by_id_prefix() -> None:
    study, first, second = two_runs()
    assert find(study, first) == first
    with pytest.raises(GanbenchError, match="there is no run 'zzz'"):
        find(study, "zzz")
    with pytest.raises(GanbenchError, match="several runs begin with ''"):
        find(study, "")
    with pytest.raises(GanbenchError, match="are the same run"):
        differ(study, second, second)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.98])
def test_equal_generators_tie_in_95_percent_of_comparisons(share: float) -> None:
    """The noise of a binomial share, checked by simulation."""
    shares = np.random.default_rng(0).binomial(10_000, share, (2, 4_000)) / 10_000
    ties = [abs(one - other) <= share_noise(one, other, 10_000) for one, other in shares.T]
    assert 0.94 < np.mean(ties) < 0.96
