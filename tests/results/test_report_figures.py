"""Figures of a report: what they must not draw, their legends, and which axes may be shared."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.results.csv_file import write_csv
from ganbench.results.loading import Results
from ganbench.results.report import write_report
from ganbench.results.report.charts import curves, survival
from ganbench.results.report.figures import draw
from ganbench.results.report.sections.base import method_names
from ganbench.results.report.study_charts import dose_chart
from ganbench.results.report.svg import svg, with_legend
from ganbench.results.table import tidy
from tests.results.study_runs import UPDATES, by_what, runs_of_doses
from tests.results.test_loading import STUDY, record, table

NUMBERS = {"minimax": 0, "hinge": 1, "wgan-gp": 2}


def figures_of(study: pd.DataFrame) -> dict[str, Any]:
    (figures,) = draw(study, method_names(study), NUMBERS, "images").values()
    return figures


def with_outputs(outputs: dict[str, tuple[float, float]]) -> pd.DataFrame:
    """A study whose discriminator had these outputs on real and on generated samples, by loss."""
    parts = []
    for loss in outputs:
        rows = table(*(record(loss, seed, 9.0) for seed in range(2)))
        training = rows[(rows["kind"] == "train") & (rows["metric"] == "critic_loss")]
        parts.append(rows)
        for metric, value in zip(("critic_real", "critic_fake"), outputs[loss], strict=True):
            parts.append(training.assign(metric=metric, value=value))
    return pd.concat(parts, ignore_index=True)


def drawn_methods(figure: Any) -> set[int]:
    return set(map(int, re.findall(r"method method-(\d+)", svg(figure))))


def test_probabilities_and_scores_of_discriminators_share_no_axis() -> None:
    figures = figures_of(with_outputs({"minimax": (0.9, 0.1), "hinge": (0.5, 0.4), "wgan-gp": (0.7, -30.0)}))
    for given in ("real samples", "generated samples"):
        assert drawn_methods(figures[f"D(x) on {given}"]) == {0, 1}
        assert drawn_methods(figures[f"Discriminator's score on {given}"]) == {2}
        assert figures[f"D(x) on {given}"].axes[0].get_ylim() == (-0.02, 1.02)
    alike = figures_of(with_outputs({"minimax": (0.9, 0.1), "hinge": (0.5, 0.4)}))
    assert not any("score on" in title for title in alike)


def test_no_share_is_drawn_below_nothing_or_above_all() -> None:
    names = [f"m{number}" for number in range(14)]
    values = dict.fromkeys(names, (0.0, 3.0))
    figure = survival(values, numbers=dict.fromkeys(names, 0), title="", xlabel="", most=8)
    lines: Any = figure.axes[0].lines
    assert all(line.get_ydata().tolist() == lines[0].get_ydata().tolist() for line in lines)
    assert {share for line in lines for share in line.get_ydata()} <= {0.0, 0.5, 1.0}
    widths = [line.get_linewidth() for line in lines]
    assert widths == sorted(widths, reverse=True), "equal lines stay visible, the later ones within the earlier ones"
    assert len(set(widths)) == 14


def test_shares_of_doses_are_drawn_where_they_are() -> None:
    lines = dose_chart(by_what(tidy(list(runs_of_doses())))[UPDATES]).axes[0].lines
    assert len(lines) > 4
    for line in lines:
        assert np.all((np.asarray(line.get_ydata()) >= 0) & (np.asarray(line.get_ydata()) <= 1))


def test_figures_have_a_legend_as_files_only(tmp_path: Path) -> None:
    folder = write_report(Results(STUDY), tmp_path, title="A study")
    page = (folder / "report.html").read_text()
    assert page.count('data-method="') == 2
    for path in (folder / "figures").iterdir():
        text = path.read_text()
        names = [element.text for element in ElementTree.fromstring(text).iter() if element.tag.endswith("text")]
        assert {"minimax", "wgan-gp"} <= set(names), path
    figure = svg(curves({}, numbers={}, title="", xlabel="", floor=None, logarithmic=False))
    assert with_legend(figure, NUMBERS).count("<text") == figure.count("<text"), "of methods that are drawn"
    assert all(not figure.legends for figure in figures_of(STUDY).values())


def test_legend_makes_a_figure_taller_by_a_line_for_each_method() -> None:
    lines = {name: {0: ([1.0, 2.0], [1.0, 2.0])} for name in NUMBERS}
    figure = svg(curves(lines, numbers=NUMBERS, title="", xlabel="", floor=None, logarithmic=False))
    tall = with_legend(figure, NUMBERS)
    sizes = [ElementTree.fromstring(text).attrib["viewBox"].split() for text in (figure, tall)]
    assert sizes[0][2] == sizes[1][2]
    assert float(sizes[1][3]) == float(sizes[0][3]) + 10 + 3 * 13


def test_report_opens_in_the_browser_or_says_where_it_is(tmp_path: Path, monkeypatch: Any) -> None:
    opened: list[str] = []

    def browser(address: str) -> bool:
        opened.append(address)
        return True

    monkeypatch.setattr("webbrowser.open", browser)
    monkeypatch.setenv("DISPLAY", ":0")
    write_csv(STUDY, tmp_path / "results.csv")
    command = ["report", "--from", str(tmp_path / "results.csv"), "--out", str(tmp_path / "out"), "--open"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    (page,) = tmp_path.rglob("report.html")
    assert opened == [page.as_uri()]
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(variable, raising=False)
    result = CliRunner().invoke(main, command)
    assert f"There is no display here: open {page.as_uri()} in a browser." in result.output
    assert len(opened) == 1
