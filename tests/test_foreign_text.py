"""Text that a stranger controls, looked for in everything that shows it: one marker, planted in every such string.

The marker is a spreadsheet's formula, HTML, Markdown, LaTeX, a formula for matplotlib, and an escape sequence at once.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.results.csv_file import read_csv, write_csv
from ganbench.results.loading import Results
from ganbench.results.report import write_report
from tests.results.test_loading import record, table

MARKER = "=1+1<img src=x>\x1b]0;me\x07\x9b1m\u202e $\\frac{$ ^a|b\n\n# h *c* [d](e)"


def planted() -> pd.DataFrame:
    """A study with the marker in every column of words that may hold anything."""
    study = table(
        *(record(loss, seed, 4.0 + seed, missing=seed) for loss in ("minimax", "hinge") for seed in range(3)),
        record("minimax", 3, 4.0, status="diverged", events=[("off-mode", 10, 0.5)]),
    )
    for column in ("dataset", "protocol", "arch", "loss", "commit", "device", "torch", "resumed_with"):
        study[column] = (MARKER + study[column].astype(object)).astype("category")
    study["options"] = (study["options"].astype(object) + f"; {MARKER}=" + study["loss"].astype(object)).astype(object)
    study["name"] = study["loss"].astype(object)
    renamed = {metric: MARKER + metric for metric in ("fid", "kl", "modes_strict")}
    study["metric"] = study["metric"].astype(object).replace(renamed)
    study["label"] = study["label"].astype(object).map(lambda label: MARKER + label if label else "")
    study["headline"] = ",".join(renamed.values())
    study["mode_count"] = MARKER + "modes_strict"
    return study


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("planted") / "results.csv"
    write_csv(planted(), path)
    assert set(read_csv(path).table["loss"]) == set(planted()["loss"])
    return path


def printed(*arguments: str | Path) -> str:
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code in (0, 1, 2), result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.output


def check_terminal(text: str) -> None:
    assert all(line.isprintable() for line in text.split("\n")), ascii(text)


def check_markdown(text: str) -> None:
    check_terminal(text)
    assert not re.search(r"(?<!\\)<img|(?<!\\)\*c|(?<!\\)\]\(e\)|^# h", text, re.MULTILINE), text


def check_latex(text: str) -> None:
    check_terminal(text.partition("\\end{tabular}")[0])
    assert "\\frac" not in text
    assert not re.search(r"(?<!\\)[$^](?!-\$)", text.partition("\\end{tabular}")[0].replace("$-$", ""))


def check_csv(text: str) -> None:
    for cell in itertools.chain.from_iterable(csv.reader(io.StringIO(text))):
        assert cell.isprintable() or not cell
        assert not cell.startswith(("=", "+", "@")), cell
        assert not re.match(r"-(?![\d.])", cell), cell


def check_json(text: str) -> None:
    json.loads(text)
    check_terminal(text)


FORMATS: dict[str, Callable[[str], None]] = {
    "table": check_terminal,
    "markdown": check_markdown,
    "latex": check_latex,
    "csv": check_csv,
    "json": check_json,
}


@pytest.mark.parametrize("style", FORMATS)
def test_comparison_shows_it_as_text(results: Path, style: str) -> None:
    text = printed("compare", "--from", results, "--format", style)
    assert "img" in text
    FORMATS[style](text)


@pytest.mark.parametrize("style", ["table", "markdown", "json"])
def test_two_runs_side_by_side_show_it_as_text(results: Path, style: str) -> None:
    runs = sorted(read_csv(results).table["run"].unique())
    first, second = ("--run", runs[0]), ("--run", runs[-1])
    FORMATS[style](printed("compare", "--from", results, *first, *second, "--format", style))


@pytest.mark.parametrize("style", ["table", "markdown", "csv"])
def test_leaderboard_shows_it_as_text(results: Path, style: str) -> None:
    FORMATS[style](printed("leaderboard", results, "--format", style))


def test_report_shows_it_as_text(tmp_path: Path) -> None:
    folder = write_report(Results(planted()), tmp_path, title=MARKER)
    page = (folder / "report.html").read_text()
    assert "&lt;img" in page
    assert "<img" not in page
    check_markdown((folder / "report.md").read_text())
    figures = sorted((folder / "figures").iterdir())
    assert figures
    for path in figures:
        tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(path.read_text()).iter()}
        assert "img" not in tags
    with (folder / "results.csv").open(newline="") as file:
        for cell in itertools.chain.from_iterable(csv.reader(file)):
            assert not cell.startswith(("=", "+", "@")), cell


PLUGIN = """
from ganbench.plugin import LOSSES, Loss, register

@register(LOSSES, {name!r})
class Foreign(Loss):
    {text!r}

    output = "score"

    def critic_loss(self, real, fake):
        raise ValueError({text!r})

    def generator_loss(self, fake, real):
        return fake.mean()
"""


def test_messages_show_it_as_text(tmp_path: Path) -> None:
    """In names of files, flags, values, settings, experiments and components."""
    name = MARKER.replace("/", "")
    (tmp_path / f"{name}.csv").write_text(f"{MARKER}\n1\n")
    np.save(tmp_path / f"{name}.npy", np.zeros(3))
    (tmp_path / f"{name}.toml").write_text(json.dumps(MARKER) + " = 1\n")
    (tmp_path / "spec.toml").write_text(f"[loss]\nname = {json.dumps(MARKER)}\n")
    (tmp_path / "sweep.toml").write_text(
        f'question = {json.dumps(MARKER)}\n[base]\ndataset = "ring"\narch = "mlp"\n'
        f'[axes]\nloss = ["minimax", {json.dumps(MARKER)}]\n'
    )
    (tmp_path / "named.toml").write_text(
        f'question = {json.dumps(MARKER)}\nseeds = 1\n[base]\ndataset = "ring"\narch = "mlp"\n'
        f'[axes]\n{json.dumps(MARKER)} = [{{loss = "minimax"}}, {{loss = "hinge"}}]\n[budget]\ntrain.steps = 10\n'
    )
    plugin, unnamed = tmp_path / f"{name}.py", tmp_path / "unnamed.py"
    plugin.write_text(f"raise ValueError({MARKER!r})\n")
    unnamed.write_text(PLUGIN.format(name="foreign", text=MARKER))
    store = ("--store", tmp_path / "store")
    commands: list[tuple[str | Path, ...]] = [
        (MARKER,),
        (f"--{MARKER}",),
        ("compare", f"--{MARKER}"),
        ("compare", "--format", MARKER),
        ("compare", "--from", tmp_path / f"{name}.csv"),
        ("compare", "--from", tmp_path / f"{name}-missing.csv"),
        ("compare", *store, "--experiment", MARKER),
        ("report", "--from", tmp_path / f"{name}.csv"),
        ("evaluate", tmp_path / f"{name}.npy", "--dataset", "ring"),
        ("evaluate", tmp_path / f"{name}.xyz", "--dataset", "ring"),
        ("evaluate", tmp_path / f"{name}.npy", "--dataset", MARKER),
        ("run", "--config", tmp_path / f"{name}.toml", "--dry-run"),
        ("run", "--config", tmp_path / "spec.toml", "--dry-run"),
        ("run", "--loss", MARKER, "--dry-run"),
        ("run", "--set", MARKER, "--dry-run"),
        ("run", "--seeds", MARKER, "--dry-run"),
        ("run", "--plugin", plugin, "--dry-run"),
        ("run", "--plugin", tmp_path / f"{name}-missing.py", "--dry-run"),
        ("sweep", tmp_path / "sweep.toml", *store, "--dry-run"),
        ("sweep", tmp_path / f"{name}-missing.toml", "--dry-run"),
        ("status", tmp_path / "named.toml", *store),
        ("check", plugin),
        ("check", unnamed),
        ("check", MARKER),
        ("list", "losses", "--plugin", unnamed),
        ("list", "losses", "--plugin", unnamed, "--format", "markdown"),
        ("list", MARKER),
        ("data", "fetch", MARKER),
        ("leaderboard", tmp_path / f"{name}.csv"),
        ("reproduce-claim", MARKER),
        ("claims", "--where", MARKER),
    ]
    for command in commands:
        check_terminal(printed(*command))
