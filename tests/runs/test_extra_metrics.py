"""Metrics outside the protocol: asked for when a run starts, or afterwards, the numbers are the same."""

from __future__ import annotations

import dataclasses
import math
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.data.evaluators import Reference
from ganbench.evaluation.evaluate import evaluate
from ganbench.evaluation.extra_metrics import create_extra_metrics
from ganbench.evaluation.protocols import Rule
from ganbench.evaluation.real_features import RealFeatures
from ganbench.results.compare import compare
from ganbench.results.loading import load_results
from ganbench.results.views import final_scores
from ganbench.tracking.mlflow.client import find_run
from ganbench.tracking.mlflow.tracker import MlflowTracker
from ganbench.tracking.store import find_store
from tests.results.test_loading import record, table

RUN = [
    "run",
    "--loss",
    "minimax",
    "--dataset",
    "ring",
    "--steps",
    "6",
    "--seeds",
    "0-1",
    "--set",
    "evaluation.samples=600",
]
RUN += ["--arch", "mlp:latent_dim=2,generator_widths=[16],critic_widths=[16]", "--set", "evaluation.quick_samples=500"]
PLUGIN = '''
from ganbench.plugin import METRICS, Metric, register


@register(METRICS, "spread")
class Spread(Metric):
    """Standard deviation of all coordinates."""

    direction = "real"
    label = "standard deviation"

    def __call__(self, *, fake, real):
        return float(fake.samples.std())
'''


def ganbench(*words: str | Path, status: int = 0) -> str:
    done = CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == status, done.output
    return done.output


def extra_scores(store: Path) -> pd.DataFrame:
    scores = final_scores(load_results(find_store(str(store)), "ganbench").table)
    columns = ["run", "metric", "step", "value", "floor", "direction", "label", "protocol"]
    return scores[scores["kind"] == "extra"][columns].sort_values(["run", "metric"]).reset_index(drop=True)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two seeds that were measured by the protocol alone."""
    path = tmp_path_factory.mktemp("plain") / "store"
    ganbench(*RUN, "--store", path)
    return path


def test_rescored_numbers_equal_those_measured_during_the_run(store: Path, tmp_path: Path) -> None:
    (tmp_path / "spread.py").write_text(PLUGIN)
    metrics = ("--metric", "vendi", "--metric", "spread")
    plugin = ("--plugin", tmp_path / "spread.py")
    output = ganbench(*RUN, *metrics, *plugin, "--store", tmp_path / "store")
    assert "seed 1: spread" in output
    assert "(extra; real data: " in output
    later = shutil.copytree(store, tmp_path / "later")
    output = ganbench("rescore", *metrics, "--store", later)  # this process knows the plug-in already
    assert output.count("spread") == 2 + 1
    expected, rescored = extra_scores(tmp_path / "store"), extra_scores(later)
    assert len(expected) == 4
    pd.testing.assert_frame_equal(rescored, expected, check_exact=True)
    assert set(expected["direction"]) == {"real"}
    shown = ganbench("compare", "--metric", "spread,kl", "--store", later)
    assert "spread (extra)" in shown
    assert "kl (extra)" not in shown


def test_a_finished_run_names_the_command_that_measures_it(store: Path) -> None:
    assert "ganbench rescore" in ganbench(*RUN, "--metric", "vendi", "--store", store)


@pytest.mark.parametrize(
    ("metric", "words"),
    [("kl", "it is measured anyway"), ("vendy", "did you mean 'vendi'?"), ("vendi:nothing=1", "nothing")],
)
def test_metrics_that_cannot_be_added(store: Path, metric: str, words: str) -> None:
    assert words in ganbench(*RUN, "--metric", metric, "--store", store, status=2)
    # What no run could take is said once, before the first one is looked at.
    status = 1 if metric == "kl" else 2
    assert words in ganbench("rescore", "--metric", metric, "--store", store, status=status)


def test_options_are_part_of_an_extra_metrics_name(store: Path, tmp_path: Path) -> None:
    asked = ("--metric", 'kl:base="10"', "--metric", "ndb:bins=7", "--metric", "ndb:bins=9")
    ganbench(*RUN, *asked, "--store", tmp_path / "store")
    scores = extra_scores(tmp_path / "store")
    assert set(scores["metric"]) == {"kl_base_10", "ndb_bins_7", "ndb_bins_9"}
    assert "NDB / K (ndb_bins_7)" in set(scores["label"])
    kls = final_scores(load_results(find_store(str(tmp_path / "store")), "ganbench").table).set_index("metric")["value"]
    assert kls["kl_base_10"].to_numpy() == pytest.approx(kls["kl"].to_numpy() / math.log(10))
    assert "asked for twice" in ganbench(*RUN, *asked[:2], *asked[:2], "--store", store, status=2)


@pytest.mark.parametrize(
    ("shown", "written"),
    [
        ("ndb_bins_7", "ndb:bins=7"),
        ("ndb_bins_7_alpha_0_01", "ndb:bins=7,alpha=0.01"),
        ("kl_base_10", 'kl:base="10"'),
        ("clusters_strict", "modes_strict"),
        ("worst_cluster_coverage", "worst_mode_coverage"),
    ],
)
def test_metrics_are_understood_as_tables_show_them(shown: str, written: str) -> None:
    assert create_extra_metrics([shown]) == create_extra_metrics([written])


@pytest.mark.parametrize("name", ["ndb_bins_x", "ndb_bin_7", "clusters_stricter", "ndb_bins_07"])
def test_names_that_no_table_shows_are_unknown(name: str) -> None:
    with pytest.raises(GanbenchError, match=f"unknown metric '{name}'"):
        create_extra_metrics([name])


def test_a_rescored_run_is_reproduced(store: Path, tmp_path: Path) -> None:
    shutil.copytree(store, tmp_path / "store")
    ganbench("rescore", "--metric", "vendi", "--store", tmp_path / "store")
    run = load_results(find_store(str(tmp_path / "store")), "ganbench").table["run"].iloc[0]
    assert "The same: all" in ganbench("reproduce", run, "--store", tmp_path / "store")


def test_the_reference_is_computed_once_for_all_seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules: list[Rule] = []
    original = RealFeatures._under

    def counted(real: RealFeatures, rule: Rule) -> Reference:
        rules.append(rule)
        return original(real, rule)

    monkeypatch.setattr(RealFeatures, "_under", counted)
    ganbench(*RUN, "--metric", "vendi", "--store", tmp_path / "store")
    assert len(rules) == 1


def test_weights_of_another_run_are_refused(store: Path) -> None:
    place = find_store(str(store))
    first = load_results(place, "ganbench").table["run"].iloc[0]
    paths = sorted((store / "artifacts").rglob("weights.safetensors"))
    weights = [path.read_bytes() for path in paths]
    for path, other in zip(paths, reversed(weights), strict=True):
        path.write_bytes(other)
    try:
        assert "don't make the samples that were scored" in ganbench(
            "rescore", first, "--metric", "vendi", "--store", store, status=1
        )
    finally:
        for path, own in zip(paths, weights, strict=True):
            path.write_bytes(own)
    assert find_run(place, first)[1].status == "finished"


def test_the_last_of_two_rescored_values_counts(store: Path, tmp_path: Path) -> None:
    later = shutil.copytree(store, tmp_path / "store")
    place = find_store(str(later))
    run = load_results(place, "ganbench").table["run"].iloc[0]
    for value in (5.0, 3.0):
        MlflowTracker(place, "ganbench").amend(run).metrics(6, {"extra/reach": value, "extra/floor/reach": 7.0 - value})
    for history in (False, True):
        scores = final_scores(load_results(place, "ganbench", history=history).table)
        row = scores[scores["metric"] == "reach"].iloc[0]
        assert (row["value"], row["floor"]) == (3.0, 4.0), history


def test_a_metric_of_some_seeds_only_gives_no_interval_and_no_rank() -> None:
    measured = [record("minimax", seed, float(seed)) for seed in range(6)]
    fewer = [record("hinge", seed, float(seed), without=["kl"] if seed else []) for seed in range(6)]
    compared = compare(table(*measured, *fewer), metrics=["fid", "kl"])
    hinge, minimax = (compared.groups.set_index("loss").loc[loss] for loss in ("hinge", "minimax"))
    assert pd.isna(hinge["kl_iqm"])
    assert not pd.isna(minimax["kl_iqm"])
    assert [ranking.metric for ranking in compared.rankings] == ["fid"]


def test_scores_beside_the_protocol_do_not_change_its_headline() -> None:
    today = record("minimax", 0, 30.0)
    widened = dataclasses.replace(
        today, history=[*today.history, ("extra/vendi", 20, 5.0), ("extra/floor/vendi", 20, 9.0)]
    )
    compared = compare(table(widened))
    assert "vendi" not in compared.metrics
    assert compare(table(widened), metrics=["vendi"]).extra == {"vendi"}


def test_samples_of_anybody_are_scored_by_extra_metrics(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(600, 2)).astype("float32")
    asked = ('kl:base="10"', "ndb:bins=7")
    evaluation = evaluate(points, dataset="ring", count=600, metrics=asked)
    assert evaluation["kl_base_10"] == pytest.approx(evaluation["kl"] / math.log(10))
    assert [score.metric for score in evaluation.scores if score.extra] == ["kl_base_10", "ndb_bins_7"]
    np.save(tmp_path / "points.npy", points)
    words = ["evaluate", str(tmp_path / "points.npy"), "--dataset", "ring", "--count", "600", "--metric", asked[0]]
    store = tmp_path / "store"
    shown = ganbench(*words, "--metric", asked[1], "--track", "mine", "--store", store)
    assert "ndb_bins_7 (extra)" in shown
    tracked = extra_scores(store).set_index("metric")
    for name in ("kl_base_10", "ndb_bins_7"):
        assert tracked["value"][name] == pytest.approx(evaluation[name])
    assert "NDB / K (ndb_bins_7)" in set(tracked["label"])
    plain = final_scores(load_results(find_store(str(store)), "ganbench").table)
    assert plain.loc[plain["metric"] == "kl", "kind"].unique() == ["final"]


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        (["kl"], "'kl' is a metric of the protocol ganbench-2, so it is measured anyway"),
        (["vendy"], "did you mean 'vendi'?"),
        (["vendi", "vendi"], "asked for twice"),
        ("vendi", "metrics is a list of names: write ['vendi']"),
    ],
)
def test_extra_metrics_that_cannot_be_added_to_samples(metrics: Sequence[str], words: str) -> None:
    points = np.zeros((600, 2), "float32")
    with pytest.raises(GanbenchError, match=re.escape(words)):
        evaluate(points, dataset="ring", count=600, metrics=metrics)
    with pytest.raises(GanbenchError, match="further metrics: leave them out"):
        evaluate(points, reference=points, metrics=["vendi"])
