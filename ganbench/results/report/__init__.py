"""Reports: a folder with a self-contained HTML page, the same in Markdown, and the numbers as CSV.

All text and figures are generated from the tidy table, so that results.csv, about.json and samples/ reproduce the
report byte for byte.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import jinja2
import pandas as pd
from markupsafe import Markup

from ganbench.core.errors import GanbenchError
from ganbench.core.provenance import code_version
from ganbench.results.compare import compare, headline
from ganbench.results.inference import MIN_SEEDS
from ganbench.results.loading import Pictures, Results, final_scores, read_csv, write_csv
from ganbench.results.report.about import About, read_about
from ganbench.results.report.cards import MAX_PICTURES, MAX_STEPS, cards, chosen, small
from ganbench.results.report.charts import style
from ganbench.results.report.claims import published_beside
from ganbench.results.report.figures import draw
from ganbench.results.report.svg import svg
from ganbench.results.report.tables import NOTE, budget_note, cells, markdown
from ganbench.results.report.words import answers, facts, findings, lost_modes, methods
from ganbench.results.table import QUICK

TEMPLATES = Path(__file__).parent / "templates"
SAMPLES = "samples"


def write_report(results: Results, out: Path, *, title: str, x: str = "images") -> Path:
    """Write report.html, report.md, results.csv, figures/ and samples/ into `out/<date>_<commit>`; return that folder.

    If a report with another title is there already, a number is added to the folder's name.

    Args:
        x: the budget on the x axis of curves, one of `ganbench.results.loading.BUDGETS`.

    Raises:
        GanbenchError: there is nothing to report, or the folder can't be written.
    """
    about = About(title, str(datetime.date.today()), code_version(), x)
    shown = [run for places in chosen(results.table, methods(results.table)).values() for run, _ in places]
    results = Results(_drop_unreported_rows(results.table, shown), results.pictures)
    most = max(2, min(MAX_STEPS, MAX_PICTURES // max(len(shown), 1)))
    pictures = {
        run: {step: small(picture) for step, picture in steps.items()}
        for run, steps in results.pictures(shown, most).items()
    }
    folder = _own_folder(out, about)
    _write(results, about, pictures, folder)
    return folder


def write_report_again(source: Path) -> Path | None:
    """Regenerate a report from its own results.csv, about.json and samples/; None if these don't belong to a report.

    Raises:
        GanbenchError: a file can't be read, or the folder can't be written.
    """
    about = read_about(source.parent)
    if about is None:
        return None
    _write(read_csv(source), about, _kept_pictures(source.parent), source.parent)
    return source.parent


def _own_folder(out: Path, about: About) -> Path:
    name, numbers = f"{about.date}_{about.code}", count(2)
    folder = out / name
    while (there := read_about(folder)) is not None and there.title != about.title:
        folder = out / f"{name}-{next(numbers)}"
    return folder


def _drop_unreported_rows(table: pd.DataFrame, shown: Sequence[str]) -> pd.DataFrame:
    """Drop rows the report doesn't use (about half): intermediate mode shares, except for runs that are shown."""
    on_the_way = table["protocol"].str.endswith(QUICK)
    unseen = table["metric"].str.startswith("mode/")
    unseen |= table["metric"].str.startswith("good/") & ~table["run"].isin(shown)
    return table[~(on_the_way & unseen)]


def _write(results: Results, about: About, pictures: Pictures, folder: Path) -> None:
    table, x = results.table, about.x
    names = methods(table)
    compared = compare(table, x=x)
    metrics = headline(final_scores(table))
    head, rows = cells(compared, metrics, x)
    figures = {
        dataset: {name: Markup(svg(figure)) for name, figure in each.items()}
        for dataset, each in draw(table, names, x).items()
    }
    content = {
        "title": about.title,
        "date": f"{datetime.date.fromisoformat(about.date):%d %B %Y}",
        "budget": budget_note(x),
        "note": NOTE.format(budget=budget_note(x), least=MIN_SEEDS),
        "lost": lost_modes(table, names),
        "answers": answers(table),
        "findings": findings(compared),
        "head": head,
        "rows": rows,
        "methods": [(name, *style(number)) for number, name in enumerate(sorted(set(names.values())))],
        "figures": figures,
        "cards": cards(results, names, pictures),
        "published": published_beside(table, metrics),
        "facts": [*facts(table), ("report", f"made on {about.date} by the code of {about.code}")],
    }
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=jinja2.select_autoescape(["html.jinja"]),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    page = environment.get_template("report.html.jinja").render(**content)
    text = environment.get_template("report.md.jinja").render(**content, table=markdown(head, rows))
    try:
        for name in ("figures", SAMPLES):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "report.html").write_text(page, encoding="utf-8")
        (folder / "report.md").write_text(text, encoding="utf-8")
        write_csv(table, folder / "results.csv")
        about.write(folder)
        for dataset, each in figures.items():
            for title, drawing in each.items():
                path = folder / "figures" / f"{_file_name(f'{title} {dataset}')}.svg"
                path.write_text(drawing, encoding="utf-8")
        for run, steps in pictures.items():
            for step, picture in steps.items():
                (folder / SAMPLES / f"{run}-{step}.webp").write_bytes(picture)
    except OSError as error:
        raise GanbenchError(f"the report can't be written to '{folder}' ({error.strerror})") from error


def _kept_pictures(folder: Path) -> Pictures:
    pictures: dict[str, dict[int, bytes]] = {}
    for path in sorted((folder / SAMPLES).glob("*-*.webp")):
        run, _, step = path.stem.rpartition("-")
        if step.isdigit():
            pictures.setdefault(run, {})[int(step)] = path.read_bytes()
    return pictures


def _file_name(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
