"""The codec of tracked names, and the facts about metrics that are tracked beside them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.evaluation.metrics import METRICS
from ganbench.tracking.metric_facts import MetricFacts, RunMetrics, metrics_from_tags
from ganbench.tracking.metric_names import (
    BESIDE,
    KINDS,
    SCORES,
    Kind,
    MetricName,
    Role,
    names_of_scores,
    parse_metric_name,
)

IDENTIFIERS = st.from_regex(r"[a-z][a-z_0-9]{0,20}", fullmatch=True).filter(lambda name: name not in KINDS)
MODES = st.sampled_from(["mode/", "good/"]).flatmap(lambda prefix: st.text(min_size=1).map(lambda name: prefix + name))


@given(st.sampled_from(KINDS), IDENTIFIERS)
def test_a_written_name_parses_to_itself(kind: Kind, metric: str) -> None:
    name = MetricName(kind, metric)
    assert parse_metric_name(str(name)) == name


@given(st.sampled_from(SCORES), IDENTIFIERS, st.sampled_from(BESIDE))
def test_numbers_beside_scores_parse_to_themselves(kind: Kind, metric: str, role: Role) -> None:
    name = MetricName(kind, metric, role)
    assert parse_metric_name(str(name)) == name


@given(st.sampled_from(SCORES), MODES)
def test_names_of_modes_are_never_changed(kind: Kind, metric: str) -> None:
    name = MetricName(kind, metric)
    assert parse_metric_name(str(name)) == name


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("modes-strict", MetricName("final", "modes_strict")),
        ("quick/floor/ndb-jsd", MetricName("quick", "ndb_jsd", "floor")),
        ("train/critic-loss", MetricName("train", "critic_loss")),
        ("event/missing-modes", MetricName("event", "missing-modes")),
        ("mode/t-shirt", MetricName("final", "mode/t-shirt")),
        ("verdict/good_sd", MetricName("verdict", "good", "floor_sd")),
    ],
)
def test_names_of_earlier_versions_are_understood(old: str, new: MetricName) -> None:
    assert parse_metric_name(old) == new


def test_queried_names_include_the_earlier_spelling() -> None:
    names = names_of_scores(["modes_strict"])
    assert {"modes_strict", "modes-strict", "quick/floor/modes-strict", "extra/modes_strict"} <= names
    assert {parse_metric_name(name).metric for name in names} == {"modes_strict"}


def test_metric_names_need_no_quotes() -> None:
    assert [name for name in METRICS if not name.isidentifier()] == []


def test_facts_survive_as_tags() -> None:
    facts = {"a": MetricFacts("lower", "the “A” of, x=y; z", "log"), "b": MetricFacts("real", "b")}
    metrics = RunMetrics(facts, ["b", "a"], "b", {"c": MetricFacts("higher", "c", "share")})
    assert metrics_from_tags(metrics.tags()) == metrics
    assert metrics_from_tags({}) == RunMetrics(headline=[], described=False)
