"""Names, doses and outcomes of experiment files: in the table, in CSV files, and escaped wherever they are shown."""

from __future__ import annotations

import dataclasses
import html
import json
import re
import warnings
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest
from matplotlib.figure import Figure

from ganbench.core.annotation import Annotation, dose_text, label_of, parse_dose
from ganbench.results.compare import compare
from ganbench.results.csv_file import read_csv, write_csv
from ganbench.results.export import Export
from ganbench.results.grouping import named_groups
from ganbench.results.loading import Results
from ganbench.results.report import write_report
from ganbench.results.report.charts import curves, strip
from ganbench.results.report.comparison import render_comparison
from ganbench.results.report.difference import side_by_side
from ganbench.results.report.escaping import for_figure, for_latex, for_markdown
from ganbench.results.report.sections.base import method_names
from ganbench.results.report.sections.comparison import in_words
from ganbench.results.report.sections.facts import facts
from ganbench.results.report.svg import svg, with_legend
from ganbench.results.report.tables import render
from ganbench.results.table import tidy
from ganbench.tracking import RunRecord
from ganbench.tracking.annotations import ANNOTATION_TAGS, annotation_from_tags, annotation_tags
from ganbench.tracking.store import find_store
from tests.results.test_loading import record

UPDATES = "generator updates for one of the discriminator"
OUTCOMES = (("kl_corrected", "lost"), "kl_corrected > 1", "rates, 20 runs")
R1 = Annotation("R1", {UPDATES: 5, "learning rate": 0.1}, ("penalty",), *OUTCOMES)
HOSTILE = """<b>$x$</b> | [red]a[/red] `c` *d* _e_ \\f :fire: "g" 'h' {i} [j](k) & 균형"""


def named(run: RunRecord, annotation: Annotation | str) -> RunRecord:
    annotation = Annotation(annotation) if isinstance(annotation, str) else annotation
    return dataclasses.replace(run, tags={**run.tags, **annotation_tags(annotation)})


def study(*names: Annotation | str) -> pd.DataFrame:
    """Two seeds of each of two losses, the methods with these names."""
    losses = ("minimax", "hinge")
    return tidy(
        [
            named(record(loss, seed, fid=10.0 * place + seed), name)
            for place, (loss, name) in enumerate(zip(losses, names, strict=True))
            for seed in (0, 1)
        ]
    )


def test_annotations_are_read_back_from_tags() -> None:
    assert annotation_from_tags(annotation_tags(R1)) == R1
    assert annotation_from_tags({}) == Annotation()
    assert set(annotation_tags(Annotation()).values()) == {""}
    assert parse_dose(dose_text(R1.dose)) == R1.dose


def test_table_has_the_annotation_in_every_row_of_a_run() -> None:
    rows = study(R1, "")
    words = rows[rows["loss"] == "minimax"][list(ANNOTATION_TAGS)].drop_duplicates().values.tolist()
    outcomes = ["kl_corrected,lost", "kl_corrected > 1", "rates, 20 runs"]
    assert words == [["R1", f"{UPDATES}=5; learning rate=0.1", "penalty", *outcomes]]
    assert (rows[rows["loss"] == "hinge"][list(ANNOTATION_TAGS)] == "").all(axis=None)


def test_csv_files_hold_annotations_and_older_files_are_read(tmp_path: Path) -> None:
    path, rows = tmp_path / "results.csv", study(dataclasses.replace(R1, name=HOSTILE), "")
    write_csv(rows, path)
    pd.testing.assert_frame_equal(read_csv(path).table, rows)
    pd.read_csv(path, dtype=str, keep_default_na=False).drop(columns=list(ANNOTATION_TAGS)).to_csv(path, index=False)
    older = read_csv(path).table
    assert list(older.columns) == list(rows.columns)
    assert (older[list(ANNOTATION_TAGS)] == "").all(axis=None)
    assert compare(older).groups["method"].tolist() == ["hinge", "minimax"]


def test_label_is_name_and_dose_or_what_it_was_without_a_name() -> None:
    rows = study(R1, "")
    label = f"R1 ({UPDATES}=5; learning rate=0.1)"
    compared = compare(rows)
    assert sorted(compared.groups["method"]) == [label, "hinge"]
    assert set(compared.rankings[0].losses) == {label, "hinge"}
    assert sorted(name for name, _ in named_groups(rows, ("loss", "arch", "options"))) == sorted([label, "hinge"])
    assert set(method_names(rows).values()) == {label, "hinge"}
    head, *lines = render(compared, "markdown").splitlines()
    assert head.startswith("| method | protocol")
    assert any(line.startswith(f"| {label} |") for line in lines)
    assert [row.partition(":")[0] for row in in_words(compared)] == ["hinge · mlp", label]
    run, other = (rows[rows["loss"] == loss]["run"].iloc[0] for loss in ("minimax", "hinge"))
    assert f"A: {label} · mnist, seed 0" in side_by_side(rows, run, other, "table")
    failed = tidy([named(record("minimax", 0, 1.0, status="diverged"), R1)])
    assert ("without a score", f"{label} seed 0 on mnist") in facts(failed)
    assert json.loads(render(compared, "json"))["groups"][1]["name"] == "R1"
    unnamed = render(compare(study("", "")), "markdown")
    assert unnamed.startswith("| loss | arch |")


def test_groups_with_the_same_label_are_told_apart_by_their_options() -> None:
    assert set(method_names(study("R1", "R1")).values()) == {"R1 · minimax", "R1 · hinge"}
    assert sorted(compare(study("R1", "R1")).groups["method"]) == ["R1 · hinge", "R1 · minimax"]
    assert set(method_names(study("hinge", "")).values()) == {"hinge · minimax", "hinge"}
    assert set(compare(study("a", "b"), by=["arch"]).groups["name"]) == {""}, "several names are none"
    mixed = tidy([named(record("minimax", 0, 1.0), "R1"), record("minimax", 1, 1.0)])
    assert set(method_names(mixed).values()) == {"R1"}, "a seed that was added without a file"


def test_names_are_escaped_in_tables() -> None:
    rows = study(HOSTILE, "plain")
    compared = compare(rows)
    assert HOSTILE in render(compared, "table")
    markdown = render_comparison(rows, compared, "markdown")
    [line] = [line for line in markdown.splitlines() if line.startswith("| \\<b>")]
    assert line.count("|") == markdown.splitlines()[0].count("|")
    assert r"\<b>$x$\</b> ¦ [red]a[/red] \`c\` \*d\* \_e\_ \\f" in line
    assert r"[j\](k)" in line
    assert not re.search(r"(?<!\\)<b>", markdown), "also in the sentences below the table"
    assert r"\$x\$" in render(compared, "latex")
    assert r"\textbackslash{}f" in render(compared, "latex")
    assert label_of("a\x1b[31mb\nc\u202e", "") == "a[31mbc"


@pytest.mark.parametrize("text", ["modes_strict: 5 [3 – 7]", "p = 0.03; R1 + R2 is better", "12.5 % of a - b", "# 1"])
def test_markdown_escapes_only_what_would_be_markup(text: str) -> None:
    assert for_markdown(text) == ("\\# 1" if text == "# 1" else text)
    assert for_markdown("1. a") == r"1\. a"
    assert for_markdown("&lt; a&b") == r"\&lt; a&b"
    assert for_markdown("p < .05, <b>, </b> and <!-- <") == r"p < .05, \<b>, \</b> and \<!-- \<"
    assert for_latex("a_b") == r"a\_b"


@pytest.mark.parametrize("name", [HOSTILE, "$", "a $\\nothing$ b", "_hidden", "균형"])
def test_names_are_escaped_in_pictures(name: str) -> None:
    lines = {name: {0: ([1.0, 2.0], [1.0, 2.0])}}
    line_chart = curves(lines, numbers={name: 0}, title="", xlabel="", floor=None, logarithmic=False)
    dots = strip({name: {0: 1.0}}, numbers={name: 0}, title="", xlabel="", ceiling=None)
    for figure in (line_chart, dots):
        text = drawn(figure)
        assert "<b>" not in text
        words = html.unescape(html.unescape("".join(re.findall(r'data-words="([^"]*)"', text))))
        assert name.split()[0].strip("$") in words
        legend = with_legend(text, {name: 0})
        ElementTree.fromstring(legend)
        assert "<b>" not in legend
    assert dots.axes[0].texts[0].get_text().replace("\n", " ") == for_figure(name)


def drawn(figure: Figure) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return svg(figure)


def test_names_are_escaped_in_reports(tmp_path: Path) -> None:
    folder = write_report(Results(study(HOSTILE, "plain")), tmp_path, title="names")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<b>$x" not in page
    assert "&lt;b&gt;$x$&lt;/b&gt;" in page
    assert not re.search(r"(?<!\\)<b>", (folder / "report.md").read_text(encoding="utf-8"))


def test_export_is_annotated_anew(tmp_path: Path) -> None:
    export, rows = Export(tmp_path, find_store(str(tmp_path / "store")), "e"), study("R1", "old")
    export.annotate({})  # nothing has been exported
    export.results.parent.mkdir()
    write_csv(rows, export.results)
    hinge, minimax = (str(rows[rows["loss"] == loss]["group"].iloc[0]) for loss in ("hinge", "minimax"))
    before = export.results.stat().st_mtime_ns
    export.annotate({minimax: Annotation("R1"), "another": Annotation("x")})
    assert export.results.stat().st_mtime_ns == before
    export.annotate({hinge: R1})
    again = read_csv(export.results).table
    assert set(zip(again["loss"], again["name"], again["collapsed"], strict=True)) == {
        ("minimax", "R1", ""),
        ("hinge", "R1", "kl_corrected > 1"),
    }
