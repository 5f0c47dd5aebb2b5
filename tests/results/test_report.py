"""The report: figures and text."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image
from scipy import stats as scipy_stats

from ganbench import report
from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.results.compare import compare
from ganbench.results.csv_file import read_csv, write_csv
from ganbench.results.incomplete_seeds import incomplete_counts
from ganbench.results.loading import Results
from ganbench.results.report import write_report, write_report_again
from ganbench.results.report.about import FILE
from ganbench.results.report.charts import curves, strip, survival
from ganbench.results.report.figures import draw
from ganbench.results.report.representatives import choose
from ganbench.results.report.sections.base import method_names
from ganbench.results.report.sections.comparison import in_words
from ganbench.results.report.svg import svg
from ganbench.results.views import by_number
from ganbench.tracking.mlflow.pictures import evenly
from tests.results.test_loading import STUDY, record, table


def pictures(runs: Collection[str], most: int) -> Mapping[str, Mapping[int, bytes]]:
    """One picture per run and step, each in a different grey."""
    greys = itertools.count(10, 3)
    return {run: {step: png(next(greys)) for step in (10, 20)[-most:]} for run in sorted(runs)}


def png(grey: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((448, 448), grey % 256, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def figures_of(study: pd.DataFrame, x: str) -> dict[str, dict[str, Any]]:
    names = method_names(study)
    return draw(study, names, {name: number for number, name in enumerate(sorted(set(names.values())))}, x)


def test_report_may_mix_protocols(tmp_path: Path) -> None:
    """One of the protocols has neither a strict mode count nor a FID."""
    study = table(
        record("minimax", 0, 9.0),
        record("hinge", 1, 7.0, missing=3, protocol="pacgan-2018 v1", without=["fid", "modes_strict"]),
    )
    sentences = in_words(compare(study))
    assert any(
        sentence.startswith("hinge · mlp: 1 seed, median modes hit at least once 7 (real data: 10)")
        for sentence in sentences
    )
    assert "hinge" in (write_report(Results(study), tmp_path, title="two") / "report.html").read_text()


def test_reports_of_different_titles_have_separate_folders(tmp_path: Path) -> None:
    one, two, again = (write_report(Results(STUDY), tmp_path, title=title) for title in ("one", "two", "one"))
    assert again == one != two
    assert two.name == f"{one.name}-2"
    assert write_report(Results(STUDY), tmp_path, title="two") == two


def test_report_is_one_page_without_external_links(tmp_path: Path) -> None:
    folder = write_report(Results(STUDY, pictures), tmp_path, title="A <study> & more")
    page = (folder / "report.html").read_text()
    assert "A &lt;study&gt; &amp; more" in page
    places = choose(STUDY, method_names(STUDY)).places
    assert page.count('src="data:image/webp;base64,') == 2 * sum(map(len, places.values())) + len(places)
    # Figures have URLs as XML namespaces, and links lead to the documentation; nothing is fetched from them.
    without_names = re.sub(
        r"<metadata>.*?</metadata>|xmlns(:\w+)?=\"[^\"]*\"|<a href=\"https://github[^\"]*\">", "", page, flags=re.DOTALL
    )
    assert not re.search(
        r"https?:|//\w+\.\w|url\((?!#)|<script \w|<link (?!rel=\"icon\" href=\"data:)|@import", without_names
    )
    assert "wgan-gp" in (folder / "report.md").read_text()
    read_back = read_csv(folder / "results.csv").table
    reported = STUDY[~((STUDY["kind"] == "quick") & STUDY["metric"].str.startswith("mode/"))]
    pd.testing.assert_frame_equal(read_back, reported.reset_index(drop=True))


def test_report_is_reproduced_from_its_own_files_byte_for_byte(tmp_path: Path) -> None:
    folder = write_report(Results(STUDY, pictures), tmp_path, title="A study", x="critic_steps")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for path in before:
        if path.name not in ("results.csv", FILE) and path.parent.name != "samples":
            path.unlink()
    assert write_report_again(folder / "results.csv") == folder
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_report_with_a_baseline_is_written_again_with_it(tmp_path: Path) -> None:
    study = table(
        *(record(loss, seed, fid + seed) for loss, fid in (("minimax", 9.0), ("hinge", 99.0)) for seed in range(5))
    )
    folder = write_report(Results(study), tmp_path, title="A study", baseline="minimax")
    before = (folder / "report.html").read_bytes()
    assert "• the baseline" in before.decode()
    write_report_again(folder / "results.csv")
    assert (folder / "report.html").read_bytes() == before
    with pytest.raises(GanbenchError, match="there is no 'wgan' to compare with"):
        write_report(Results(study), tmp_path / "none", title="A study", baseline="wgan")
    assert not (tmp_path / "none").exists()
    with pytest.raises(GanbenchError, match="nothing to set against a baseline"):
        write_report(Results(study[study["loss"] == "hinge"]), tmp_path / "none", title="A study", baseline="hinge")


def test_report_on_some_runs_is_a_new_one_and_the_other_is_left_alone(tmp_path: Path) -> None:
    folder = write_report(Results(STUDY, pictures), tmp_path, title="A study")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    options = ["report", "--from", str(folder / "results.csv"), "--out", str(tmp_path / "some")]
    result = CliRunner().invoke(main, [*options, "--where", "loss=hinge|minimax"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    from_python = report(
        sources=[folder / "results.csv"], out=tmp_path / "python", where={"loss": ["minimax", "hinge"]}
    )
    for place in (next((tmp_path / "some").iterdir()), from_python):
        assert set(read_csv(place / "results.csv").table["loss"]) == {"minimax"}
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    with pytest.raises(GanbenchError, match="no run has loss = hinge; there is minimax, wgan-gp"):
        report(sources=[folder / "results.csv"], where={"loss": "hinge"})
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_rewriting_needs_a_valid_report_description(tmp_path: Path) -> None:
    assert write_report_again(tmp_path / "results.csv") is None
    for description in ("", "[]", '{"title": "a"}', '{"title": "a", "date": "b", "code": "c", "x": "parsecs"}'):
        (tmp_path / FILE).write_text(description)
        with pytest.raises(GanbenchError, match="no description of a report"):
            write_report_again(tmp_path / "results.csv")


def test_curves_of_many_seeds_show_median_and_interquartile_band() -> None:
    seeds = {seed: ([1.0, 2.0], [value, 10 * value]) for seed, value in enumerate((0.0, 1.0, 2.0, 3.0, 40.0))}
    style: dict[str, Any] = {"numbers": {"a": 0}, "title": "", "xlabel": "", "floor": None}
    axes: Any = curves({"a": seeds}, **style, logarithmic=False).axes[0]
    assert axes.lines[0].get_ydata().tolist() == [2.0, 20.0]
    assert len(axes.lines) == 1 + 5
    band = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (1.0, 30.0)
    few: Any = curves({"a": {seed: seeds[seed] for seed in range(3)}}, **style, logarithmic=False).axes[0]
    assert len(few.lines) == 3
    assert not few.collections


def test_seed_with_a_single_evaluation_is_visible_in_curves() -> None:
    seeds = {0: ([1.0], [5.0]), 1: ([1.0, 2.0], [5.0, 6.0])}
    style: dict[str, Any] = {"numbers": {"a": 0}, "title": "", "xlabel": "", "floor": None}
    single, several = curves({"a": seeds}, **style, logarithmic=False).axes[0].lines
    assert single.get_marker() == "o"
    assert several.get_marker() == "None"


def test_collapsed_seed_stays_in_the_curves_to_the_end() -> None:
    study = table(record("minimax", 0, 30.0), record("minimax", 1, 10.0, status="collapsed"))
    cut = study[(study["seed"] == 0) | (study["step"] < 20) | (study["metric"] != "fid")]
    lines = figures_of(cut, "seconds")["mnist"]["FID"].axes[0].lines
    assert [line.get_xdata().tolist() for line in lines[:2]] == [[60, 120], [60, 120]]
    assert [line.get_ydata().tolist() for line in lines[:2]] == [[31, 30], [11, 11]]


def test_strip_has_one_dot_per_seed_and_the_median() -> None:
    groups = {"a": {0: 8.0, 1: 3.0, 2: 8.0}, "b": {0: 1.0}}
    axes: Any = strip(groups, numbers={"a": 0, "b": 1}, title="", xlabel="modes", ceiling=8).axes[0]
    dots = [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in axes.lines if line.get_marker() == "o"]
    assert sorted(x for x, _ in dots) == [1, 3, 8, 8]
    assert len(set(dots)) == 4, "dots of equal values are drawn side by side"
    assert [8.0, 8.0] in [list(line.get_xdata()) for line in axes.lines]


def test_survival_profile_counts_failed_seeds_and_never_rises() -> None:
    values = [8.0, 8.0, 3.0, float("nan")]
    figure = survival({"a": values}, numbers={"a": 0}, title="", xlabel="modes", most=8)
    axes: Any = figure.axes[0]
    shares = axes.lines[0].get_ydata().tolist()
    assert shares == [0.75] * 4 + [0.5] * 5


def test_each_data_set_has_its_own_figures_for_any_budget_axis() -> None:
    study = pd.concat([STUDY, table(record("minimax", 0, 3.0, params={"dataset": "fashion-mnist"}))])
    figures = figures_of(study, "critic_steps")
    assert set(figures) == {"mnist", "fashion-mnist"}
    assert {"FID", "Modes covered", "Modes at the end", "Seeds that cover at least so many modes"} <= set(
        figures["mnist"]
    )
    axes: Any = figures["mnist"]["FID"].axes[0]
    assert axes.lines[0].get_xdata().tolist() == [20, 40], "two discriminator updates per step"
    assert axes.get_xlabel() == "updates of the discriminator"


def test_svg_lines_carry_seed_names_and_values() -> None:
    """The page uses them to hide methods (by class) and to label the point under the pointer."""
    lines = {"a & b": {7: ([1.0, 2.0], [0.125, float("nan")])}}
    text = svg(curves(lines, numbers={"a & b": 3}, title="", xlabel="", floor=None, logarithmic=False))
    (attributes,) = re.findall(r'<g class="method method-3" data-words="([^"]*)" data-points="([^"]*)">', text)
    assert attributes == ("a &amp; b · seed 7", "[[1.0,0.125],[2.0,null]]")
    assert "#000000" not in text


def test_incomplete_counts_include_failed_seeds_and_gives_exact_intervals() -> None:
    study = table(
        record("minimax", 0, 9.0, missing=2),
        record("minimax", 1, 9.0),
        record("minimax", 2, float("nan"), status="diverged"),
        record("minimax", 3, 9.0, status="running"),
        record("hinge", 0, 9.0),
    )
    # Clopper and Pearson's bounds are quantiles of beta distributions.
    low, high = scipy_stats.beta.ppf(0.025, 2, 2), scipy_stats.beta.ppf(0.975, 3, 1)
    (sentence,) = incomplete_counts(study, method_names(study))
    assert sentence.beginning == "On mnist (mlp), fewer than 10 modes are covered in"
    assert sentence.ends == [
        "none of 1 seed of hinge (0–98 %: one seed says little)",
        f"2 of 3 seeds of minimax ({100 * low:.0f}–{100 * high:.0f} %)",
    ]


def test_methods_with_equal_lost_mode_counts_share_a_line() -> None:
    records = [record(loss, seed, 9.0, missing=1) for loss in ("minimax", "hinge") for seed in (0, 1)]
    (sentence,) = incomplete_counts(table(*records), method_names(table(*records)))
    assert sentence.ends == ["all 2 seeds of each of hinge and minimax (16–100 %)"]


def test_report_omits_intermediate_mode_shares_of_seeds_it_does_not_show(tmp_path: Path) -> None:
    study = table(*(record("minimax", seed, 9.0 + seed, missing=seed) for seed in range(5)))
    folder = write_report(Results(study), tmp_path, title="study")
    reported = read_csv(folder / "results.csv").table
    quick_shares = reported[(reported["kind"] == "quick") & reported["metric"].str.contains("/")]
    assert set(quick_shares["seed"]) == {0, 2, 4}, "best, middle and worst"
    assert set(quick_shares["metric"].str.partition("/")[0]) == {"good"}
    scalars = ~study["metric"].str.contains("/")
    pd.testing.assert_frame_equal(
        reported[~reported["metric"].str.contains("/")].reset_index(drop=True), study[scalars].reset_index(drop=True)
    )


def test_modes_are_sorted_numerically() -> None:
    assert sorted(["10", "2", "0", "24"], key=by_number) == ["0", "2", "10", "24"]
    assert sorted(["shirt", "bag"], key=by_number) == ["shirt", "bag"], "names keep their order"


def test_report_shows_the_best_middle_and_worst_seed() -> None:
    study = table(
        record("minimax", 0, 5.0, missing=1),
        record("minimax", 1, 9.0),
        record("minimax", 2, float("nan"), status="diverged"),
        record("minimax", 3, 7.0),
        record("minimax", 4, 7.0, missing=6),
        record("hinge", 0, 7.0),
    )
    seeds = dict(zip(study["run"], study["seed"], strict=True))
    shown_runs = choose(study, method_names(study)).places
    minimax = [(seeds[run], place) for run, place in shown_runs["mnist", "minimax"]]
    assert minimax == [(3, "best"), (0, "middle"), (2, "worst")]
    assert [place for _, place in shown_runs["mnist", "hinge"]] == [""]


@pytest.mark.parametrize("most", [1, 2, 3, 8])
def test_pictures_are_evenly_spaced_and_include_the_last(most: int) -> None:
    steps = list(range(0, 110, 10))
    selected = evenly(steps, most)
    assert selected[-1] == 100
    assert len(selected) == most
    assert selected == sorted(set(selected))
    assert most == 1 or selected[0] == 0
    assert evenly([5], most) == [5]


def test_csv_rows_may_be_reordered_but_not_lose_the_row_with_run_options(tmp_path: Path) -> None:
    """Only the first row of a run has its options; without it, different methods would be merged."""
    study = table(record("minimax", 0, 9.0), record("hinge", 0, 5.0))
    path = tmp_path / "results.csv"
    write_csv(study, path)
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([head, *reversed(rows)]))
    pd.testing.assert_frame_equal(read_csv(path).table, study.iloc[::-1].reset_index(drop=True))
    path.write_text("\n".join([head, *rows[1:]]))
    with pytest.raises(
        GanbenchError, match=r"line 2: of the run .* the row is missing that says headline, mode_count, options, group"
    ):
        read_csv(path)
