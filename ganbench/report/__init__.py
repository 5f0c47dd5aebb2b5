"""Reports: one folder with a self-contained HTML page, the same in Markdown, and the numbers as CSV.

Everything is made from the tidy table; sample grids are added where the table came from a store.
"""

from __future__ import annotations

import base64
import datetime
import io
import re
from dataclasses import dataclass
from pathlib import Path

import jinja2
import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from ganbench.errors import GanbenchError
from ganbench.inference import LEAST_SEEDS
from ganbench.judgement import judge
from ganbench.plots import mode_heat_map, mode_histogram
from ganbench.provenance import code_version
from ganbench.report.figures import draw
from ganbench.report.tables import NOTE, budget_note, cells, markdown
from ganbench.results import EVENTS, QUICK, Results, final_scores, mode_shares, runs, write_csv
from ganbench.stats import BY, FLOOR, compare, group_names, headline, number
from ganbench.verdict import verdict

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Panel:
    """One run in the report: its verdict, its grid and its histogram."""

    title: str
    words: str
    grid: str
    """The sample grid as a data URI, or nothing."""
    histogram: Markup
    timeline: Markup
    """The heat map of its modes during training, or nothing."""
    failed: bool


def write_report(results: Results, out: Path, *, title: str, x: str = "images") -> Path:
    """Write report.html, report.md, results.csv and figures/*.svg into `out/<date>_<commit>` and return that folder.

    Args:
        x: the budget that curves are drawn against, one of `ganbench.results.BUDGETS`.

    Raises:
        GanbenchError: there is nothing to report, or the folder can't be written.
    """
    table = results.table
    compared = compare(table, x=x)
    folder = out / f"{datetime.date.today():%Y-%m-%d}_{code_version()}"
    head, rows = cells(compared, headline(final_scores(table)), x)
    content = {
        "title": title,
        "date": f"{datetime.date.today():%d %B %Y}",
        "budget": budget_note(x),
        "note": NOTE.format(budget=budget_note(x), least=LEAST_SEEDS),
        "answers": answers(table),
        "findings": findings(compared),
        "head": head,
        "rows": rows,
        "panels": panels(results),
        "facts": _facts(table),
    }
    figures = draw(table, x)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=jinja2.select_autoescape(["html.jinja"]),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    inline = {name: Markup(_svg(figure)) for name, figure in figures.items()}
    page = environment.get_template("report.html.jinja").render(**content, figures=inline)
    text = environment.get_template("report.md.jinja").render(**content, table=markdown(head, rows))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.html").write_text(page, encoding="utf-8")
        (folder / "report.md").write_text(text, encoding="utf-8")
        write_csv(table, folder / "results.csv")
        (folder / "figures").mkdir(exist_ok=True)
        for name, svg in inline.items():
            (folder / "figures" / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.svg").write_text(svg)
    except OSError as error:
        raise GanbenchError(f"the report can't be written to '{folder}' ({error.strerror})") from error
    return folder


def answers(table: pd.DataFrame) -> list[str]:
    """Which method is better by each metric, or why that can't be said: for each data set and protocol."""
    judgements = judge(table, BY, headline(final_scores(table)))
    several = len({each.setting for each in judgements}) > 1
    return [(f"{each.setting}: " if several else "") + f"{each.sentence()}." for each in judgements]


def findings(compared: pd.DataFrame) -> list[str]:
    """What the comparison says, a sentence a group."""
    sentences = []
    groups = compared[compared["seeds"].notna()]
    for _, group in groups.iterrows():
        name = " · ".join(str(group[key]) for key in ("dataset", "loss", "arch", "options") if group.get(key))
        seeds, finished = int(group["seeds"]), int(group["finished"] + group["collapsed"])
        parts = [f"{finished} of {seeds} seeds finished" if finished < seeds else f"{seeds} seed{'s' * (seeds > 1)}"]
        if finished:
            floors = _floor_of(group, compared)
            # A published protocol has no strict count.
            count = "modes" if pd.isna(group.get("modes-strict")) else "modes-strict"
            low, high, full = (int(x) for x in (group[f"{count}-low"], group[f"{count}-high"], floors["modes"]))
            found = f"{low}" if low == high else f"{low} to {high}"
            parts.append(f"{found} of {full} modes found" + " beyond doubt" * (count == "modes-strict"))
            for metric, words in (("hq", "median share of good samples"), ("fid", "median FID")):
                if metric in group and not pd.isna(group[metric]):
                    parts.append(f"{words} {number(group[metric])} (real data: {number(floors[metric])})")
        sentences.append(f"{name}: {', '.join(parts)}.")
    return sentences


def _floor_of(group: pd.Series, compared: pd.DataFrame) -> pd.Series:
    """The row of real data under the same protocol, number of samples and, where there are several, data set."""
    alike = compared["seeds"].isna() & (compared["protocol"] == group["protocol"])
    alike &= compared["samples"] == group["samples"]
    if "dataset" in compared and alike.sum() > 1:
        alike &= compared[compared.columns[0]].str.contains(f"{FLOOR}: {group['dataset']},", regex=False)
    row: pd.Series = compared[alike].iloc[0]
    return row


def panels(results: Results) -> list[Panel]:
    """One panel a run, by loss, architecture and seed."""
    made = []
    scores, names = final_scores(results.table), group_names(results.table)
    for _, run in runs(results.table).sort_values(["loss", "arch", "group", "seed"]).iterrows():
        own = scores[scores["run"] == run["run"]]
        picture = results.grids.get(run["run"])
        shares, good = mode_shares(own), mode_shares(own, "good")
        made.append(
            Panel(
                title=f"{names[run['run']]} · seed {run['seed']}",
                words=verdict(results.table, run["run"]),
                grid=f"data:image/png;base64,{base64.b64encode(picture).decode()}" if picture else "",
                histogram=Markup(_svg(mode_histogram(list(shares), list(shares.values()), list(good.values()))))
                if shares
                else Markup(),
                timeline=_timeline(results.table[results.table["run"] == run["run"]]),
                failed=run["status"] != "finished",
            )
        )
    return made


def _timeline(rows: pd.DataFrame) -> Markup:
    """Modes × steps of one run, from its quick scores; the floor is taken as an even share."""
    quick = rows[rows["protocol"].str.endswith(QUICK) & rows["metric"].str.startswith("good/")]
    if quick["step"].nunique() < 2:
        return Markup()
    shares = quick.pivot_table(index="step", columns="metric", values="value", sort=False).sort_index()
    names = [str(column).removeprefix("good/") for column in shares.columns]
    fullness = (shares * len(names)).to_numpy().tolist()
    events = rows[rows["protocol"] == EVENTS]
    marks = list(zip(events["step"].tolist(), events["metric"].tolist(), strict=True))
    return Markup(_svg(mode_heat_map(shares.index.tolist(), fullness, names, marks)))


def _facts(table: pd.DataFrame) -> list[tuple[str, str]]:
    each = runs(table)
    protocols = sorted(set(final_scores(table)["protocol"]))

    def distinct(column: str) -> str:
        return ", ".join(sorted(set(each[column]) - {""})) or "unknown"

    return [
        ("runs", f"{len(each)} ({', '.join(f'{n} {status}' for status, n in each['status'].value_counts().items())})"),
        ("data", distinct("dataset")),
        ("protocol", ", ".join(protocols) or "nothing was scored"),
        ("code", distinct("commit")),
        ("device", distinct("device")),
        ("training time", f"{each['seconds'].sum() / 60:.1f} minutes in all"),
        ("floor", f"“{FLOOR}” are real samples scored as if they were generated"),
    ]


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    # Without a date, and with a fixed salt for its ids, the same figure is the same bytes.
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "ganbench", "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
