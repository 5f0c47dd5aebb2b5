"""The read arm: tidy table, comparison, verdict and report, from made-up runs with known answers."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from ganbench import results as results_module
from ganbench.errors import GanbenchError
from ganbench.report import findings, write_report
from ganbench.report.tables import render
from ganbench.results import Results, final_scores, quick_scores, read_csv, runs, varying_options, write_csv
from ganbench.stats import METRICS, compare, group_names, number
from ganbench.track import RunRecord, Status
from ganbench.verdict import verdict

FLOOR = {"fid": 0.5, "modes": 10.0, "modes-strict": 10.0, "kl": 0.001, "confidence": 0.99}


def record(
    loss: str,
    seed: int,
    fid: float,
    missing: int = 0,
    status: Status = "finished",
    params: Mapping[str, str] | None = None,
    samples: float = 5000.0,
) -> RunRecord:
    """A run of 20 steps that lost the first `missing` classes."""
    params = {"loss": loss, "arch": "mlp", "dataset": "mnist", "protocol": "ganbench-1", **(params or {})}
    params |= {"train.batch_size": "10", "train.critic_steps": "2", "seed": str(seed)}
    shares = {str(k): 0.0 if k < missing else 1 / (10 - missing) for k in range(10)}
    values = {"fid": fid, "modes": 10.0 - missing, "modes-strict": 10.0 - missing, "kl": fid / 100, "confidence": 0.9}
    history: list[tuple[str, int, float]] = []
    for step in (10, 20):
        for prefix in ["quick/", ""] if step == 20 and status == "finished" else ["quick/"]:
            history += [(f"{prefix}{name}", step, value + (step == 10)) for name, value in values.items()]
            history += [(f"{prefix}floor/{name}", step, value) for name, value in FLOOR.items()]
            for kind in ("class", "confident"):
                history += [(f"{prefix}{kind}/{name}", step, share) for name, share in shares.items()]
            history += [(f"{prefix}sample-count", step, 500.0 if prefix else samples)]
        history += [("train/critic-loss", step, 1.0), ("train/seconds", step, step * 6.0)]
        if status != "finished":
            break
    group = f"{loss}-{sorted(params.items())}".replace(f"'seed', '{seed}'", "")
    tags = {"commit": "abc", "device": "cpu", "ended-at": "15"}
    return RunRecord(f"{loss}{seed}{len(params)}", group, seed, status, params, tags, history)


def table(*records: RunRecord) -> pd.DataFrame:
    rows = [row for each in records for row in results_module._rows(each)]
    return results_module._typed(pd.DataFrame(rows, columns=results_module.COLUMNS))


STUDY = table(
    record("minimax", 0, 30.0, missing=3),
    record("minimax", 1, 10.0, missing=1),
    record("minimax", 2, 20.0, missing=9),
    record("wgan-gp", 0, 4.0),
    record("wgan-gp", 1, 2.0, status="diverged"),
    record("wgan-gp", 2, 2.0, status="stopped"),
)


def test_full_and_quick_scores_are_not_mixed_and_each_has_its_floor() -> None:
    final, quick = final_scores(STUDY), quick_scores(STUDY)
    fids = final[final["metric"] == "fid"]
    assert fids["value"].tolist() == [30.0, 10.0, 20.0, 4.0]
    assert set(fids["floor"]) == {0.5}
    assert set(fids["step"]) == {20}
    assert set(fids["images"]) == {400}
    assert quick[(quick["metric"] == "fid") & (quick["loss"] == "minimax") & (quick["seed"] == 0)][
        "value"
    ].tolist() == [31, 30]
    assert not final["metric"].str.contains("floor|quick|critic").any()


def test_every_run_is_counted_even_one_without_a_number() -> None:
    empty = RunRecord("r", "g", 0, "running", {"loss": "x", "arch": "mlp"}, {}, [])
    each = runs(table(record("minimax", 0, 1.0), empty))
    assert each["status"].tolist() == ["finished", "running"]
    compared = compare(table(record("minimax", 0, 1.0), empty))
    assert compared["seeds"].tolist()[:2] == [1, 1]


def test_comparison_by_hand() -> None:
    minimax, wgan, floor = (row for _, row in compare(STUDY).iterrows())
    assert (minimax["fid"], minimax["fid-low"], minimax["fid-high"]) == (20, 10, 30)
    assert (minimax["modes"], minimax["modes-low"], minimax["modes-high"]) == (7, 1, 9)
    assert (minimax["seeds"], minimax["finished"], minimax["diverged"], minimax["stopped"]) == (3, 3, 0, 0)
    assert (wgan["seeds"], wgan["finished"], wgan["diverged"], wgan["stopped"]) == (3, 1, 1, 1)
    assert (wgan["fid"], wgan["fid-low"], wgan["fid-high"]) == (4, 4, 4)
    assert minimax["images"] == 400
    assert minimax["seconds"] == 120
    assert (floor["fid"], floor["modes"], floor["kl"]) == (0.5, 10, 0.001)


def test_runs_with_other_options_are_another_group_and_the_difference_is_named() -> None:
    study = table(
        record("minimax", 0, 9.0, params={"train.steps": "5", "arch.slope": "0.2"}),
        record("minimax", 1, 7.0, params={"train.steps": "9", "arch.slope": "0.2"}),
        record("hinge", 0, 5.0, params={"train.steps": "5", "arch.slope": "0.2"}),
    )
    compared = compare(study).iloc[:-1]
    assert compared[["loss", "options", "fid"]].values.tolist() == [
        ["hinge", "", 5.0],
        ["minimax", "train.steps=5", 9.0],
        ["minimax", "train.steps=9", 7.0],
    ]
    merged = compare(study, by=["loss"]).iloc[:-1]
    assert merged[["loss", "seeds", "fid"]].values.tolist() == [["hinge", 1, 5.0], ["minimax", 2, 8.0]]


def test_varying_options() -> None:
    assert varying_options(["a=1; b=2", "a=1; b=3", "a=1"]) == ["b=2", "b=3", ""]
    assert varying_options(["a=1"]) == [""]


def test_comparing_refuses_what_is_not_there() -> None:
    with pytest.raises(GanbenchError, match="no runs"):
        compare(STUDY.iloc[:0])
    with pytest.raises(GanbenchError, match="did you mean 'fid'"):
        compare(STUDY, metrics=["fidd"])
    with pytest.raises(GanbenchError, match="did you mean 'loss'"):
        compare(STUDY, by=["los"])
    with pytest.raises(GanbenchError, match="by nothing"):
        compare(STUDY, by=[])


def test_scores_of_different_numbers_of_samples_are_not_put_together() -> None:
    study = table(
        record("minimax", 0, 9.0, params={"evaluation.samples": "5000"}),
        record("minimax", 1, 7.0, params={"evaluation.samples": "800"}, samples=800),
    )
    with pytest.raises(GanbenchError, match="mixes protocols, data sets or numbers of samples"):
        compare(study, by=["loss"])
    compared = compare(study)
    assert compared["loss"].tolist() == [
        "minimax",
        "minimax",
        "real data: mnist, 5,000 samples",
        "real data: mnist, 800 samples",
    ]


def test_budget_and_time_are_those_of_the_seeds_that_were_scored() -> None:
    _, wgan, _ = (row for _, row in compare(STUDY).iterrows())
    assert wgan["images"] == 400
    unfinished = compare(table(record("minimax", 0, 1.0, status="stopped"))).iloc[0]
    assert pd.isna(unfinished["images"])


def test_groups_are_named_by_what_sets_them_apart() -> None:
    study = table(
        record("minimax", 0, 9.0, params={"train.steps": "5"}),
        record("minimax", 1, 7.0, params={"train.steps": "9"}),
        record("hinge", 0, 5.0, params={"train.steps": "5"}),
    )
    assert sorted(group_names(study).values()) == [
        "hinge · mlp",
        "minimax · mlp · train.steps=5",
        "minimax · mlp · train.steps=9",
    ]


def test_the_four_formats_say_the_same() -> None:
    compared = compare(STUDY)
    from_csv = pd.read_csv(io.StringIO(render(compared, METRICS, "csv")))
    from_json = json.loads(render(compared, METRICS, "json"))
    assert from_csv["fid"].tolist() == [row["fid"] for row in from_json] == [20, 4, 0.5]
    for style in ("table", "markdown"):
        lines = render(compared, METRICS, style).splitlines()
        (minimax,) = [line for line in lines if "minimax" in line]
        (wgan,) = [line for line in lines if "wgan-gp" in line]
        assert "20 [10 – 30]" in minimax.replace("20.0", "20")
        assert "1 diverged, 1 stopped" in wgan
        assert any("real data" in line for line in lines)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (345.2, "345"), (88.14, "88.1"), (0.0122, "0.0122"), (10.0, "10"), (1234.5, "1,234"), (0.0, "0"),
        (0.00092, "0.00092"), (2.5e-6, "0.00000"), (float("nan"), "–"), (-3.25, "-3.25"),
    ],
)  # fmt: skip
def test_numbers_for_people(value: float, text: str) -> None:
    assert number(value) == text


def test_verdicts() -> None:
    ids = {(row["loss"], row["seed"]): row["run"] for _, row in runs(STUDY).iterrows()}
    assert verdict(STUDY, ids["minimax", 0], "digits") == (
        "7 of 10 digits; 0, 1 and 2 are missing; FID 30 (real data against real data: 0.5)"
    )
    assert verdict(STUDY, ids["minimax", 1], "digits").startswith("9 of 10 digits; 0 is missing; FID 10")
    assert verdict(STUDY, ids["minimax", 2]).startswith("1 of 10 classes; only 9 appears; FID")
    assert verdict(STUDY, ids["wgan-gp", 0]).startswith("10 of 10 classes; FID 4 ")
    assert verdict(STUDY, ids["wgan-gp", 1]).startswith("diverged by step 15")
    assert verdict(STUDY, ids["wgan-gp", 2]).startswith("stopped after step 15")


def test_a_table_from_csv_is_the_table(tmp_path: Path) -> None:
    write_csv(STUDY, tmp_path / "results.csv")
    pd.testing.assert_frame_equal(read_csv(tmp_path / "results.csv").table, STUDY)
    pd.testing.assert_frame_equal(compare(read_csv(tmp_path / "results.csv").table), compare(STUDY))


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "\0\1\2", '"', "run,group\n"])
def test_other_files_are_no_results(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.csv").write_text(content)
    with pytest.raises(GanbenchError, match="results"):
        read_csv(tmp_path / "x.csv")


def test_a_results_file_with_a_word_for_a_number_is_refused(tmp_path: Path) -> None:
    write_csv(STUDY, tmp_path / "x.csv")
    text = (tmp_path / "x.csv").read_text().replace(",20,400,fid,30.0", ",20,400,fid,thirty")
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(GanbenchError, match="wrong type"):
        read_csv(tmp_path / "x.csv")


def test_findings_count_failures() -> None:
    sentences = findings(compare(STUDY))
    assert sentences[0] == (
        "minimax · mlp: 3 seeds, 1 to 9 of 10 classes found beyond doubt, median FID 20 (real data: 0.5)."
    )
    assert sentences[1].startswith("wgan-gp · mlp: 1 of 3 seeds finished, 10 of 10")


def test_the_report_is_one_page_without_a_link_outside(tmp_path: Path) -> None:
    grids = dict.fromkeys(STUDY["run"].unique(), b"\x89PNG not really")
    folder = write_report(Results(STUDY, grids), tmp_path, title="A <study> & more")
    page = (folder / "report.html").read_text()
    assert "A &lt;study&gt; &amp; more" in page
    assert page.count("data:image/png;base64,") == len(grids)
    # Figures carry the names of vocabularies in their metadata; those are names, and nothing is fetched from them.
    without_names = re.sub(r"<metadata>.*?</metadata>|xmlns(:\w+)?=\"[^\"]*\"", "", page, flags=re.DOTALL)
    assert not re.search(r"https?:|//\w+\.\w|url\((?!#)|<script|<link (?!rel=\"icon\" href=\"data:)", without_names)
    assert "wgan-gp" in (folder / "report.md").read_text()
    pd.testing.assert_frame_equal(read_csv(folder / "results.csv").table, STUDY)
    again = write_report(read_csv(folder / "results.csv"), tmp_path / "again", title="from the CSV file alone")
    assert "data:image/png" not in (again / "report.html").read_text()
