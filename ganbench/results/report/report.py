"""Reports: a folder with a self-contained HTML page, the same in Markdown, and the numbers as CSV.

All text and figures are generated from the tidy table, so that results.csv, about.json and samples/ reproduce the
report byte for byte.
"""

from __future__ import annotations

import datetime
import re
import tempfile
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from PIL import Image

from ganbench.core.errors import GanbenchError
from ganbench.core.mode_words import CLUSTERS, MODES, with_noun
from ganbench.core.provenance import code_version
from ganbench.core.unfinished import remove_unfinished, unfinished_name
from ganbench.results.csv_file import read_csv, write_csv
from ganbench.results.loading import Results
from ganbench.results.report.about import About, read_about
from ganbench.results.report.escaping import for_markdown
from ganbench.results.report.figures import ENDS
from ganbench.results.report.folder import move_files
from ganbench.results.report.representatives import choose
from ganbench.results.report.sections import SECTIONS
from ganbench.results.report.sections.base import Report, Section, method_names, picture_name
from ganbench.results.report.sections.seeds import MAX_PICTURES, MAX_STEPS, small
from ganbench.results.report.sources import SAMPLES, kept_pictures
from ganbench.results.report.svg import with_legend
from ganbench.tracking.metric_names import GOOD, MODE

TEMPLATES = Path(__file__).parent / "templates"


def write_report(results: Results, out: Path, *, title: str, x: str = "images", baseline: str = "") -> Path:
    """Write report.html, report.md, results.csv, figures/ and samples/ into `out/<date>_<commit>`; return that folder.

    If a report with another title is there already, a number is added to the folder's name.

    Args:
        x: the budget on the x axis of curves, one of `ganbench.results.views.BUDGETS`.
        baseline: the method that the grid compares every other with; by default the leading one by each metric.

    Raises:
        GanbenchError: there is nothing to report, there is no such baseline, a tracked picture is damaged, or the
            folder can't be written.
    """
    about = About(title, str(datetime.date.today()), code_version(), x, baseline)
    names = method_names(results.table)
    representatives = choose(results.table, names, results.pictured)
    shown = representatives.runs
    most = max(2, min(MAX_STEPS, MAX_PICTURES // max(len(shown), 1)))
    pictures = {
        run: {step: _small(run, step, picture) for step, picture in steps.items()}
        for run, steps in results.pictures(shown, most).items()
    }
    folder = _own_folder(out, about)
    table = _drop_unreported_rows(results.table, shown)
    _write(Report(table, about, names, representatives, pictures), folder)
    return folder


def write_report_again(source: Path) -> Path | None:
    """Regenerate a report from its own results.csv, about.json and samples/; None if these don't belong to a report.

    Raises:
        GanbenchError: a file can't be read, or the folder can't be written.
    """
    about = read_about(source.parent)
    if about is None:
        return None
    table = read_csv(source).table
    names = method_names(table)
    pictures = kept_pictures(source.parent)
    _write(Report(table, about, names, choose(table, names, pictures), pictures), source.parent)
    return source.parent


def _small(run: str, step: int, picture: bytes) -> bytes:
    try:
        return small(picture)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise GanbenchError(
            f"the picture of samples of run '{run}' at step {step} is damaged: delete it in `ganbench ui`, or in the "
            f"folder samples of its report"
        ) from error


def _own_folder(out: Path, about: About) -> Path:
    name, numbers = f"{about.date}_{about.code}", count(2)
    folder = out / name
    while (there := read_about(folder)) is not None and there.title != about.title:
        folder = out / f"{name}-{next(numbers)}"
    return folder


def _drop_unreported_rows(table: pd.DataFrame, shown: Sequence[str]) -> pd.DataFrame:
    """Drop rows the report doesn't use (about half): intermediate mode shares, except for runs that are shown."""
    unused = table["metric"].str.startswith(MODE)
    unused |= table["metric"].str.startswith(GOOD) & ~table["run"].isin(shown)
    return table[~((table["kind"] == "quick") & unused)]


def _write(report: Report, folder: Path) -> None:
    contents = [(section, section.content(report)) for section in SECTIONS]
    contents = [(section, content) for section, content in contents if content is not None]
    noun = report.comparison.noun
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    page = environment.get_template("page.html.jinja").render(
        title=report.about.title,
        date=f"{datetime.date.fromisoformat(report.about.date):%d %B %Y}",
        methods=len(report.numbers),
        sections=[
            (section.anchor, with_noun(section.title, noun), section.html(content)) for section, content in contents
        ],
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_unfinished(folder)
        # Nothing can be in a new folder, so that nothing is written through a link; and the old report stays whole.
        with tempfile.TemporaryDirectory(dir=folder, prefix=f"{unfinished_name()}-") as new:
            _write_files(report, page, _markdown(report.about, contents, noun), Path(new))
            move_files(Path(new), folder)
    except OSError as error:
        raise GanbenchError(f"the report can't be written to '{folder}' ({error.strerror})") from error


def _write_files(report: Report, page: str, markdown: str, folder: Path) -> None:
    for name in ("figures", SAMPLES):
        (folder / name).mkdir()
    (folder / "report.html").write_text(page, encoding="utf-8")
    (folder / "report.md").write_text(markdown, encoding="utf-8")
    write_csv(report.table, folder / "results.csv")
    report.about.write(folder)
    ends = {with_noun(ENDS, noun) for noun in (MODES, CLUSTERS)}
    for dataset, figures in report.figures.items():
        for title, drawing in figures.items():
            path = folder / "figures" / f"{_file_name(f'{title} {dataset}')}.svg"
            # The rows of this one have names.
            text = drawing if title in ends else with_legend(drawing, report.numbers)
            path.write_text(text, encoding="utf-8")
    for run, steps in report.pictures.items():
        for step, picture in steps.items():
            (folder / SAMPLES / picture_name(run, step)).write_bytes(picture)


def _markdown(about: About, contents: Sequence[tuple[Section[Any], Any]], noun: str) -> str:
    parts = [f"# {for_markdown(about.title)}", f"{datetime.date.fromisoformat(about.date):%d %B %Y}"]
    for section, content in contents:
        text = section.markdown(content)
        if text:
            parts += [f"## {with_noun(section.title, noun)}", text]
    return "\n\n".join(parts) + "\n"


def _file_name(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
