"""The tidy table, comparison and run summary, computed from made-up runs with known answers."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pytest

from ganbench.core.errors import GanbenchError
from ganbench.core.formatting import listed, number, percent
from ganbench.results.compare import compare
from ganbench.results.csv_file import read_csv, write_csv
from ganbench.results.earlier import earlier_metrics
from ganbench.results.grouping import group_names, varying_options
from ganbench.results.pairs_in_words import p_in_words
from ganbench.results.report.sections.comparison import in_words
from ganbench.results.report.tables import render
from ganbench.results.run_summary import summarize_run
from ganbench.results.table import tidy
from ganbench.results.views import events, final_scores, headline, mode_shares, quick_scores, runs
from ganbench.tracking import RunRecord, Status
from ganbench.tracking.metric_facts import METRIC_TAGS, RunMetrics
from ganbench.tracking.metric_names import GOOD

HEADLINE = ["fid", "modes", "modes_strict", "hq", "kl"]
FLOOR = {"fid": 0.5, "modes": 10.0, "modes_strict": 10.0, "hq": 0.98, "kl": 0.001, "confidence": 0.99}
CEILING = {"modes": 10.0, "modes_strict": 10.0}
SCORED: tuple[Status, ...] = ("finished", "collapsed")


def record(
    loss: str,
    seed: int,
    fid: float,
    missing: int = 0,
    status: Status = "finished",
    params: Mapping[str, str] | None = None,
    samples: float = 5000.0,
    protocol: str = "ganbench-1 v1",
    events: Sequence[tuple[str, int, float]] = (),
    without: Sequence[str] = (),
) -> RunRecord:
    """A run of 20 steps that lost the first `missing` modes; 90% of its samples are good."""
    params = {"loss": loss, "arch": "mlp", "dataset": "mnist", "protocol": "ganbench-1", **(params or {})}
    params |= {"train.batch_size": "10", "seed": str(seed)}
    shares = {str(k): 0.0 if k < missing else 1 / (10 - missing) for k in range(10)}
    values = {"fid": fid, "modes": 10.0 - missing, "modes_strict": 10.0 - missing, "hq": 0.9}
    values |= {"kl": fid / 100, "confidence": 0.9}
    values = {name: value for name, value in values.items() if name not in without}
    floors = {name: value for name, value in FLOOR.items() if name in values}
    ceilings = {name: value for name, value in CEILING.items() if name in values}
    history: list[tuple[str, int, float]] = []
    for step in (10, 20):
        for prefix in ["quick/", ""] if step == 20 and status in SCORED else ["quick/"]:
            history += [(f"{prefix}{name}", step, value + (step == 10)) for name, value in values.items()]
            history += [(f"{prefix}floor/{name}", step, value) for name, value in floors.items()]
            history += [(f"{prefix}ceiling/{name}", step, value) for name, value in ceilings.items()]
            for kind, part in (("mode", 1.0), ("good", 0.9)):
                history += [(f"{prefix}{kind}/{name}", step, part * share) for name, share in shares.items()]
            history += [(f"{prefix}sample_count", step, 500.0 if prefix else samples)]
        history += [("train/critic_loss", step, 1.0), ("train/seconds", step, step * 6.0)]
        if status not in SCORED:
            break
    history += [(f"event/{kind}", step, severity) for kind, step, severity in events]
    group = f"{loss}-{sorted(params.items())}".replace(f"'seed', '{seed}'", "")
    costs = {"critic_steps": 2, "generator_steps": 1, "images": 20, "critic_evaluations": 100}
    tags = {f"cost-of-step/{name}": str(cost) for name, cost in costs.items()}
    counts = [name for name in ("modes_strict", "modes") if name in values]
    facts = {name: earlier_metrics().facts[name] for name in values}
    tags |= RunMetrics(facts, [name for name in HEADLINE if name in values], counts[0] if counts else "").tags()
    tags |= {"commit": "abc", "device": "cpu", "ended-at": "20" if status in SCORED else "15", "protocol": protocol}
    return RunRecord(f"{loss}{seed}{len(params)}", group, seed, status, params, tags, history)


def table(*records: RunRecord) -> pd.DataFrame:
    return tidy(records)


STUDY = table(
    record("minimax", 0, 30.0, missing=3),
    record("minimax", 1, 10.0, missing=1),
    record("minimax", 2, 20.0, missing=9),
    record("wgan-gp", 0, 4.0),
    record("wgan-gp", 1, 2.0, status="diverged"),
    record("wgan-gp", 2, 2.0, status="stopped"),
)


@pytest.mark.parametrize(
    ("share", "words"),
    [(0, "0"), (1e-3, "<1"), (0.016, "2"), (0.5, "50"), (0.9962, ">99"), (1 - 1e-12, "100"), (1, "100")],
)
def test_shares_are_all_or_none_only_if_they_are(share: float, words: str) -> None:
    assert percent(share) == words


def test_p_is_not_rounded_across_the_level() -> None:
    assert [p_in_words(p) for p in (0.0504, 0.0496, 0.03, 1e-5)] == ["p = 0.0504", "p = 0.05", "p = 0.03", "p < .0001"]


def test_names_with_commas_are_told_apart() -> None:
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(["a, x", "b, x"]) == "a, x; and b, x"


def test_final_and_quick_scores_are_separate_and_have_their_own_floors() -> None:
    final, quick = final_scores(STUDY), quick_scores(STUDY)
    fids = final[final["metric"] == "fid"]
    assert fids["value"].tolist() == [30.0, 10.0, 20.0, 4.0]
    assert set(fids["floor"]) == {0.5}
    assert set(fids["step"]) == {20}
    assert set(fids["images"]) == {400}
    assert quick[(quick["metric"] == "fid") & (quick["loss"] == "minimax") & (quick["seed"] == 0)][
        "value"
    ].tolist() == [31, 30]
    assert not final["metric"].str.contains("floor|ceiling|quick|critic").any()
    assert set(final["protocol"]) == {"ganbench-1 v1"}
    assert set(quick["protocol"]) == {"ganbench-1 v1"}
    assert (set(final["kind"]), set(quick["kind"])) == ({"final"}, {"quick"})
    assert (set(final["selection"]), set(quick["selection"])) == ({"last"}, {""})
    for scores in (final, quick):
        ceilings = scores.set_index("metric")["ceiling"].dropna()
        assert ceilings.groupby("metric").unique().map(list).to_dict() == {"modes": [10.0], "modes_strict": [10.0]}


def test_run_without_protocol_tag_has_the_protocol_of_its_params() -> None:
    old = record("minimax", 0, 30.0)
    old = dataclasses.replace(old, tags={name: value for name, value in old.tags.items() if name != "protocol"})
    assert set(final_scores(table(old))["protocol"]) == {"ganbench-1"}


def test_events_are_separate_rows_and_not_scores() -> None:
    study = table(record("minimax", 0, 30.0, events=[("missing-modes", 10, 0.5), ("recovery", 20, 0.0)]))
    assert events(study)[["metric", "step", "value"]].values.tolist() == [
        ["missing-modes", 10, 0.5],
        ["recovery", 20, 0.0],
    ]
    assert not final_scores(study)["metric"].isin(["missing-modes", "recovery"]).any()
    assert not quick_scores(study)["metric"].isin(["missing-modes", "recovery"]).any()


def test_mode_shares_are_of_all_samples_or_of_good_ones() -> None:
    scores = final_scores(table(record("minimax", 0, 30.0, missing=8)))
    share_of_all, share_of_good = mode_shares(scores), mode_shares(scores, GOOD)
    assert list(share_of_all) == list(share_of_good) == list("0123456789")
    assert (share_of_all["0"], share_of_all["9"], share_of_good["9"]) == (0.0, 0.5, 0.45)


def test_runs_without_numbers_are_counted() -> None:
    empty = RunRecord("r", "g", 0, "running", {"loss": "x", "arch": "mlp"}, {}, [])
    run_rows = runs(table(record("minimax", 0, 1.0), empty))
    assert run_rows["status"].tolist() == ["finished", "running"]
    compared = compare(table(record("minimax", 0, 1.0), empty))
    assert compared.groups["seeds"].tolist() == [1, 1]


def test_comparison_matches_values_computed_by_hand() -> None:
    compared = compare(STUDY)
    (_, minimax), (_, wgan) = compared.groups.iterrows()
    floor = compared.floor_of(minimax)
    assert (minimax["fid"], minimax["fid_low"], minimax["fid_high"]) == (20, 10, 30)
    assert (minimax["modes"], minimax["modes_low"], minimax["modes_high"]) == (7, 1, 9)
    assert (minimax["seeds"], minimax["finished"], minimax["diverged"], minimax["stopped"]) == (3, 3, 0, 0)
    assert (wgan["seeds"], wgan["finished"], wgan["diverged"], wgan["stopped"]) == (3, 1, 1, 1)
    assert (wgan["fid"], wgan["fid_low"], wgan["fid_high"]) == (4, 4, 4)
    assert minimax["images"] == 400
    assert minimax["seconds"] == 120
    assert (floor["fid"], floor["modes"], floor["hq"], floor["kl"]) == (0.5, 10, 0.98, 0.001)
    for row in (minimax, wgan, floor):
        assert (row["protocol"], row["samples"]) == ("ganbench-1 v1", 5000)


def test_run_stopped_for_collapse_is_scored_and_counted_as_collapsed() -> None:
    study = table(record("minimax", 0, 30.0, missing=9, status="collapsed"), record("minimax", 1, 10.0))
    row = compare(study).groups.iloc[0]
    assert (row["seeds"], row["finished"], row["collapsed"]) == (2, 1, 1)
    assert (row["fid"], row["fid_low"], row["fid_high"]) == (20, 10, 30)
    assert "1 collapsed" in render(compare(study), "markdown")


def test_group_without_scores_takes_the_protocol_of_the_others() -> None:
    failed = record("minimax", 0, 1.0, status="diverged")
    row = compare(table(failed, record("wgan-gp", 0, 1.0))).groups.iloc[0]
    assert (row["protocol"], row["samples"]) == ("ganbench-1 v1", 5000)
    assert pd.isna(row["fid"])
    alone = compare(table(failed)).groups.iloc[0]
    assert alone["protocol"] == ""
    assert pd.isna(alone["samples"])


def test_headline_has_only_measured_metrics() -> None:
    assert headline(final_scores(STUDY)) == HEADLINE
    points = table(record("minimax", 0, 1.0, without=["fid", "modes_strict"]))
    assert headline(final_scores(points)) == ["modes", "hq", "kl"]
    assert "fid" not in compare(points).groups.columns
    assert headline(final_scores(table(record("minimax", 0, 1.0, status="stopped")))) == []


def test_headline_leaves_out_what_is_undefined_on_the_data() -> None:
    table = STUDY.copy()
    table.loc[table["metric"] == "kl", "value"] = float("nan")
    assert "kl" in headline(final_scores(table)), "a generator without a score is one thing"
    table.loc[table["metric"] == "kl", "floor"] = float("nan")
    assert "kl" not in headline(final_scores(table)), "real data without one is another"
    assert "kl" not in compare(table).metrics
    assert "KL" in summarize_run(STUDY, STUDY["run"].iloc[0])
    assert "KL" not in summarize_run(table, STUDY["run"].iloc[0])


def test_runs_with_different_options_form_groups_that_name_the_difference() -> None:
    study = table(
        record("minimax", 0, 9.0, params={"train.steps": "5", "arch.slope": "0.2"}),
        record("minimax", 1, 7.0, params={"train.steps": "9", "arch.slope": "0.2"}),
        record("hinge", 0, 5.0, params={"train.steps": "5", "arch.slope": "0.2"}),
    )
    compared = compare(study).groups
    assert compared[["loss", "options", "fid"]].values.tolist() == [
        ["hinge", "", 5.0],
        ["minimax", "", 9.0],
        ["minimax", "train.steps=9", 7.0],
    ]
    merged = compare(study, by=["loss"]).groups
    assert merged[["loss", "seeds", "fid"]].values.tolist() == [["hinge", 1, 5.0], ["minimax", 2, 8.0]]


def test_varying_options_are_those_that_differ_between_groups() -> None:
    assert varying_options(["a=1; b=2", "a=1; b=3", "a=1"]) == ["b=2", "b=3", ""]
    assert varying_options(["a=1"]) == [""]


def test_compare_rejects_empty_tables_and_unknown_names() -> None:
    with pytest.raises(GanbenchError, match="no runs"):
        compare(STUDY.iloc[:0])
    with pytest.raises(GanbenchError, match="did you mean 'fid'"):
        compare(STUDY, metrics=["fidd"])
    with pytest.raises(GanbenchError, match="did you mean 'loss'"):
        compare(STUDY, by=["los"])
    with pytest.raises(GanbenchError, match="by nothing"):
        compare(STUDY, by=[])


def test_scores_with_different_sample_counts_are_not_merged() -> None:
    study = table(
        record("minimax", 0, 9.0, params={"evaluation.samples": "5000"}),
        record("minimax", 1, 7.0, params={"evaluation.samples": "800"}, samples=800),
    )
    with pytest.raises(GanbenchError, match="mixes protocols, data sets or numbers of samples"):
        compare(study, by=["loss"])
    compared = compare(study)
    assert compared.groups["samples"].tolist() == [5000, 800]
    assert compared.floors[["dataset", "samples"]].values.tolist() == [["mnist", 800], ["mnist", 5000]]
    lines = render(compared, "markdown").splitlines()
    assert [line.split(" |")[0] for line in lines[-2:]] == [
        "| real data: mnist, 800 samples",
        "| real data: mnist, 5,000 samples",
    ]


def test_scores_under_different_protocols_are_not_merged() -> None:
    params = {"protocol": "pacgan-2018"}
    study = table(
        record("minimax", 0, 9.0), record("minimax", 1, 7.0, params=params, protocol="pacgan-2018 v1", without=["fid"])
    )
    # The protocol is not among a run's options; the tracked protocol tells the runs apart.
    with pytest.raises(GanbenchError, match="mixes protocols, data sets or numbers of samples"):
        compare(study)
    compared = compare(study, by=["group"])
    for rows in (compared.groups, compared.floors):
        assert sorted(rows["protocol"]) == ["ganbench-1 v1", "pacgan-2018 v1"]
        assert rows[rows["protocol"] == "pacgan-2018 v1"]["fid"].isna().all()


def test_budget_and_time_count_only_scored_seeds() -> None:
    wgan = compare(STUDY).groups.iloc[1]
    assert wgan["images"] == 400
    unfinished = compare(table(record("minimax", 0, 1.0, status="stopped"))).groups.iloc[0]
    assert pd.isna(unfinished["images"])


def test_group_names_include_the_options_that_differ() -> None:
    study = table(
        record("minimax", 0, 9.0, params={"train.steps": "5"}),
        record("minimax", 1, 7.0, params={"train.steps": "9"}),
        record("hinge", 0, 5.0, params={"train.steps": "5"}),
    )
    assert sorted(group_names(study).values()) == [
        "hinge · mlp",
        "minimax · mlp",
        "minimax · mlp · train.steps=9",
    ]
    without_a_majority = study[study["loss"] == "minimax"]
    assert sorted(group_names(without_a_majority).values()) == [
        "minimax · mlp · train.steps=5",
        "minimax · mlp · train.steps=9",
    ]


def test_names_of_groups_leave_out_how_they_were_measured() -> None:
    ahead = {"train.n_generator": "5", "evaluation.every": "100", "evaluation.samples": "10000"}
    usual = {"train.n_generator": "1", "evaluation.every": "375", "evaluation.samples": "10000"}
    study = table(record("minimax", 0, 9.0, params=usual), record("minimax", 1, 7.0, params=ahead))
    assert sorted(group_names(study).values()) == [
        "minimax · mlp · train.n_generator=1",
        "minimax · mlp · train.n_generator=5",
    ]
    assert sorted(compare(study).groups["options"]) == ["train.n_generator=1", "train.n_generator=5"]
    measured_twice = table(
        record("minimax", 0, 9.0, params=usual), record("minimax", 1, 7.0, params=usual | {"evaluation.every": "50"})
    )
    assert sorted(group_names(measured_twice).values()) == [
        "minimax · mlp · evaluation.every=375",
        "minimax · mlp · evaluation.every=50",
    ]


def test_names_of_groups_have_the_options_of_a_penalty_only_where_they_differ() -> None:
    penalties = ("none", "r1:decay=1.0,gamma=1.0", "r1:decay=1.0,gamma=1.0 + r2:gamma=1.0", "r2:gamma=9.0")
    study = table(*(record("minimax", at, 9.0, params={"penalty": text}) for at, text in enumerate(penalties)))
    assert sorted(group_names(study).values()) == [
        "minimax · mlp",
        "minimax · mlp · penalty=r1",
        "minimax · mlp · penalty=r1 + r2:gamma=1.0",
        "minimax · mlp · penalty=r2:gamma=9.0",
    ]


def test_four_output_formats_agree() -> None:
    compared = compare(STUDY)
    from_csv = pd.read_csv(io.StringIO(render(compared, "csv")))
    from_json = json.loads(render(compared, "json"))
    assert from_csv["fid"].tolist() == [20, 4, 0.5]
    assert from_csv["row"].tolist() == ["group", "group", "floor"]
    assert [row["fid"] for name in ("groups", "floors") for row in from_json[name]] == [20, 4, 0.5]
    for style in ("table", "markdown"):
        lines = render(compared, style).splitlines()
        (minimax,) = [line for line in lines if "minimax" in line]
        (wgan,) = [line for line in lines if "wgan-gp" in line]
        assert "20 [10 – 30]" in minimax.replace("20.0", "20")
        assert "1 diverged, 1 stopped" in wgan
        assert all("ganbench-1 v1" in line and "5,000" in line for line in (minimax, wgan))
        assert any("real data" in line for line in lines)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (345.2, "345"), (88.14, "88.1"), (0.0122, "0.0122"), (10.0, "10"), (1234.5, "1,234"), (0.0, "0"),
        (0.00092, "0.00092"), (2.5e-6, "<0.00001"), (float("nan"), "–"), (-3.25, "-3.25"),
    ],
)  # fmt: skip
def test_numbers_are_formatted_for_reading(value: float, text: str) -> None:
    assert number(value) == text


def test_run_summaries_name_missing_modes_scores_and_status() -> None:
    ids = {(row["loss"], row["seed"]): row["run"] for _, row in runs(STUDY).iterrows()}
    assert summarize_run(STUDY, ids["minimax", 0], "digits") == (
        "7 of 10 digits appear, 0, 1 and 2 are missing; FID 30 (real data: 0.5); share of good samples 90.0% (real "
        "data: 98.0%); KL of the modes' shares 0.3 (real data: 0.001)"
    )
    assert summarize_run(STUDY, ids["minimax", 1], "digits").startswith("9 of 10 digits appear, 0 is missing; FID 10 (")
    assert summarize_run(STUDY, ids["minimax", 2]).startswith("only 1 of 10 modes appears (9); FID 20")
    assert summarize_run(STUDY, ids["wgan-gp", 0]).startswith("all 10 modes appear; FID 4 (")
    assert summarize_run(STUDY, ids["wgan-gp", 1]).startswith("DIVERGED by step 15")
    assert summarize_run(STUDY, ids["wgan-gp", 2]).startswith("stopped after step 15")


def summary_of(run: RunRecord) -> str:
    return summarize_run(table(run), run.id, "digits")


def test_summary_lists_each_kind_of_event_once() -> None:
    events = [("missing-modes", 10, 0.5), ("recovery", 20, 0.0)]
    assert summary_of(record("minimax", 0, 4.0, events=events)).endswith("; during training: missing-modes (step 10)")
    many = [("missing-modes", step, 0.5) for step in (2, 4, 6, 8, 10)]
    assert summary_of(record("minimax", 0, 4.0, events=many)).endswith(
        "; during training: missing-modes (5 times, first at step 2)"
    )
    diverged = summary_of(record("minimax", 0, 4.0, status="diverged", events=[("divergence", 15, 1.0)]))
    assert diverged.startswith("DIVERGED by step 15")
    assert diverged.endswith("; during training: divergence (step 15)")
    assert "during training" not in summary_of(record("minimax", 0, 4.0))


def test_summary_of_a_collapsed_run_begins_with_the_collapse() -> None:
    summary = summary_of(record("minimax", 0, 30.0, missing=9, status="collapsed"))
    assert summary.startswith("given up at step 20, since it stayed collapsed; only 1 of 10 digits appears (9); ")


def test_summary_names_dominant_modes() -> None:
    assert "50% of all samples are 8, 50% of all samples are 9" in summary_of(record("minimax", 0, 4.0, missing=8))
    assert "of all samples are 9" not in summary_of(record("minimax", 0, 4.0, missing=5))


def test_summary_works_without_fid_strict_count_and_mode_names() -> None:
    summary = summary_of(record("minimax", 0, 4.0, missing=2, without=["fid", "modes_strict", "hq", "kl"]))
    assert summary == "8 of 10 digits appear, 0 and 1 are missing"
    nameless = record("minimax", 0, 4.0, missing=2, without=["hq", "fid", "kl"])
    history = [row for row in nameless.history if "mode/" not in row[0] and "good/" not in row[0]]
    assert summary_of(dataclasses.replace(nameless, history=history)) == "8 of 10 digits"


def test_runs_of_earlier_versions_are_read_like_current_ones() -> None:
    """They tracked no metric facts, and their names have hyphens in place of underscores."""
    current = record("minimax", 0, 30.0, missing=3)
    tags = {name: text for name, text in current.tags.items() if name not in METRIC_TAGS}
    history = [(name.replace("_", "-"), step, value) for name, step, value in current.history]
    pd.testing.assert_frame_equal(table(dataclasses.replace(current, tags=tags, history=history)), table(current))


def test_csv_round_trip_keeps_the_table(tmp_path: Path) -> None:
    write_csv(STUDY, tmp_path / "results.csv")
    pd.testing.assert_frame_equal(read_csv(tmp_path / "results.csv").table, STUDY)
    pd.testing.assert_frame_equal(compare(read_csv(tmp_path / "results.csv").table).groups, compare(STUDY).groups)


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "\0\1\2", '"', "run,group\n"])
def test_files_without_results_are_rejected(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.csv").write_text(content)
    with pytest.raises(GanbenchError, match="results"):
        read_csv(tmp_path / "x.csv")


def test_results_file_with_text_in_place_of_a_number_is_rejected(tmp_path: Path) -> None:
    write_csv(STUDY, tmp_path / "x.csv")
    text = (tmp_path / "x.csv").read_text()
    assert ',20,40,20,400,2000,"final","last","fid",30,' in text
    text = text.replace(
        ',20,40,20,400,2000,"final","last","fid",30,', ',20,40,20,400,2000,"final","last","fid",thirty,'
    )
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(GanbenchError, match="wrong type"):
        read_csv(tmp_path / "x.csv")


def test_results_file_with_unknown_status_is_rejected(tmp_path: Path) -> None:
    write_csv(STUDY, tmp_path / "x.csv")
    (tmp_path / "x.csv").write_text((tmp_path / "x.csv").read_text().replace("diverged", "exploded"))
    with pytest.raises(GanbenchError, match="unknown status 'exploded'"):
        read_csv(tmp_path / "x.csv")


def test_comparison_in_words_counts_failures_and_includes_real_data_scores() -> None:
    sentences = in_words(compare(STUDY))
    assert sentences[0] == (
        "minimax · mlp: 3 seeds, median FID 20 (real data: 0.5), median modes hit at least once 7 (real data: 10), "
        "median modes covered 7 (real data: 10), median share of good samples 90.0% (real data: 98.0%), "
        "median KL of the modes' shares 0.2 (real data: 0.001)."
    )
    assert sentences[1].startswith("wgan-gp · mlp: 1 of 3 seeds finished, median FID 4 ")


def test_comparison_in_words_omits_unmeasured_metrics() -> None:
    study = table(record("minimax", 0, 1.0, missing=2, without=["fid", "modes_strict", "kl"]))
    (sentence,) = in_words(compare(study))
    assert sentence == (
        "minimax · mlp: 1 seed, median modes hit at least once 8 (real data: 10), "
        "median share of good samples 90.0% (real data: 98.0%)."
    )


def test_comparison_supports_every_budget_axis() -> None:
    costs = {"images": 400, "step": 20, "critic_steps": 40, "generator_steps": 20, "critic_evaluations": 2000}
    for budget, cost in costs.items():
        compared = compare(STUDY, x=budget)
        assert compared.groups[compared.groups["loss"] == "minimax"][budget].iloc[0] == cost
        assert f"{budget.replace('_', ' ')}:" in render(compared, "table")
    with pytest.raises(GanbenchError, match="can't be set against 'image': did you mean 'images'"):
        compare(STUDY, x="image")
