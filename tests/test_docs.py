"""The documentation is up to date: its commands are parsed or run, and its links lead somewhere."""

from __future__ import annotations

import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import ganbench.plugin
from ganbench.cli import main
from ganbench.cli.console.component_list import as_markdown, entries_of
from ganbench.core.component_index import FOLDERS
from ganbench.core.experiment_files import find_experiment
from ganbench.data.own import recipe

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
TUTORIAL, KOREAN = DOCS / "tutorial.md", DOCS / "ko" / "tutorial.md"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
CHEAP = ("list", "claims")
"""Commands that only read what comes with the package."""

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def blocks(page: Path, language: str) -> list[str]:
    """Fenced code blocks of a language; "" for those without one."""
    fences = re.findall(
        r"^([ ]*)```(\w*)\n(.*?)^\1```$", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    return [body for _, tag, body in fences if tag == language]


def lines(page: Path) -> list[list[str]]:
    """The shell lines of a page, split into words, without comments."""
    text = "\n".join(blocks(page, "sh")).replace("\\\n", " ")
    return [words for line in text.splitlines() if (words := shlex.split(line, comments=True))]


def commands(page: Path) -> list[list[str]]:
    """The arguments of each `ganbench` command on a page."""
    return [words[words.index("ganbench") + 1 :] for words in lines(page) if "ganbench" in words]


def parse(words: list[str]) -> None:
    """Parse a command and its options as click does, without running it."""
    command: click.Command = main
    with click.Context(main, info_name="ganbench") as context:
        while isinstance(command, click.Group):
            name, *words = words
            subcommand = command.get_command(context, name)
            assert subcommand is not None, f"there is no command '{name}'"
            command = subcommand
        command.make_context(command.name, list(words), parent=context)


@by_page
def test_every_command_can_be_parsed(page: Path) -> None:
    for words in commands(page):
        try:
            parse(words)
        except click.exceptions.Exit:
            pass  # --help
        except click.ClickException as error:
            pytest.fail(f"ganbench {shlex.join(words)}: {error.format_message()}")


@by_page
def test_every_run_resolves_to_a_spec_and_cheap_commands_succeed(page: Path) -> None:
    """With --dry-run, `run` rejects unknown losses, options and combinations."""
    own_data = {words[2] for words in commands(page) if words[:2] == ["data", "add"]}
    for words in commands(page):
        if own_data & {*words}:
            continue  # the reader has added them
        if "--plugin" in words or "relativistic-hinge" in words or "…" in words:
            continue  # the plug-in is written by the reader, or isn't installed here
        if words[0] == "run":
            result = CliRunner().invoke(main, [*words, *([] if "--dry-run" in words else ["--dry-run"])])
        elif words[0] in CHEAP or words[-1] == "--help":
            result = CliRunner().invoke(main, words)
        else:
            continue
        assert result.exit_code == 0, f"ganbench {shlex.join(words)}: {result.output}"


@by_page
def test_every_make_target_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    inline = [words.split() for words in re.findall(r"`(make [^`]+)`", text)]
    for words in (*inline, *lines(page)):
        if words[0] == "make":
            assert {word for word in words[1:] if "=" not in word} <= TARGETS, words


@by_page
def test_every_file_in_a_command_exists(page: Path) -> None:
    for words in lines(page):
        for word in words:
            if word.startswith(("experiments/", "examples/")):
                assert (ROOT / word).exists(), word
    for command, *arguments in commands(page):
        if command in ("sweep", "status") and not arguments[0].startswith(("-", "mine")):
            assert find_experiment(Path(arguments[0])).exists()


@by_page
def test_every_internal_link_leads_to_a_file_and_heading(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    text = re.sub(r"^[ ]*```.*?^[ ]*```", "", text, flags=re.MULTILINE | re.DOTALL)
    for target, heading in re.findall(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)", text):
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), target
        if heading:
            assert heading in headings(path), f"{target}#{heading} is none of {headings(path)}"


def headings(page: Path) -> list[str]:
    """The anchors of a page's headings on GitHub and on the site."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [re.sub(r"[^\w -]", "", title.lower()).strip().replace(" ", "-") for title in titles]


def test_component_pages_match_the_registries() -> None:
    generated = runpy.run_path(str(DOCS / "generate.py"))["pages"]()
    assert len(generated) >= 4
    for page, text in generated.items():
        assert page.read_text(encoding="utf-8") == text, f"{page.name} is out of date: python docs/generate.py"


def test_component_list_can_be_printed_as_markdown() -> None:
    printed = CliRunner().invoke(main, ["list", "--format", "markdown"]).output
    assert printed.strip() == as_markdown(entries_of(FOLDERS)).strip()
    rows = [line for line in printed.splitlines() if line.startswith("| `")]
    assert len(rows) == sum(map(len, entries_of(FOLDERS).values()))
    for row in rows:
        assert len(re.findall(r"(?<!\\)\|", row)) == 4, row


def test_links_out_of_the_docs_become_paths_on_the_site() -> None:
    rewritten = runpy.run_path(str(DOCS / "conf.py"))["without_outside_links"]
    assert (
        rewritten("see [format](../ganbench/spec/sweep_spec.py#L3).", "a")
        == "see format (`ganbench/spec/sweep_spec.py`)."
    )
    assert rewritten("in [`tests/chaos/`](../tests/chaos)", "a") == "in `tests/chaos/`"
    assert rewritten("[there](../b.md) [here](c.md#d)", "ko/a") == "[there](../b.md) [here](c.md#d)"
    assert rewritten("[out](../../README.md)", "ko/a") == "out (`README.md`)"
    assert rewritten("```\n[code](../x)\n```\n", "a") == "```\n[code](../x)\n```\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation as `make docs` builds it, with warnings as errors."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "-q", str(DOCS), str(folder)]
    result = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 0, result.stderr
    return folder


def test_site_has_every_page_and_needs_no_external_resources(site: Path) -> None:
    for page in DOCS.rglob("*.md"):
        assert (site / page.relative_to(DOCS)).with_suffix(".html").exists(), page
    for path in site.rglob("*.html"):
        html = path.read_text(encoding="utf-8")
        loaded = re.findall(
            r"""<(?:script|img|iframe|link (?!rel="canonical"))[^>]*(?:src|href)=["']?(?:https?:)?//""", html
        )
        assert not loaded, path
        assert 'class="mermaid"' not in html, "the mermaid script would be loaded from an external site"


def test_api_reference_describes_the_whole_public_interface(site: Path) -> None:
    api = (site / "api.html").read_text(encoding="utf-8")
    registries = {name for name in ganbench.plugin.__all__ if name.isupper()}
    for name in {*ganbench.plugin.__all__} - registries:
        assert f'id="ganbench.plugin.{name}"' in api, name
    for name in {*ganbench.__all__} - {"__version__"}:
        assert f'id="ganbench.{name}"' in api, name


def test_python_of_the_how_to_pages_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    run = shlex.split("run --dataset ring --loss minimax --arch mlp --steps 2 --seeds 0-1")
    for words in (run, ["report"]):  # as many samples as the pages score
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 0, result.output
    (written,) = tmp_path.glob("reports/*/results.csv")
    written.rename(tmp_path / "results.csv")
    for page in (
        "howto/pandas",
        "howto/notebooks",
        "howto/own-loop",
        "howto/vectors",
        "howto/use-a-generator",
        "metrics",
    ):
        for code in blocks(DOCS / f"{page}.md", "python"):
            exec(compile(code.replace("steps=1000", "steps=2"), page, "exec"), {})
            assert capsys.readouterr().out, page


def test_how_to_page_on_own_data_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of the page in order, with a short training of the evaluator and of the GAN."""
    page = DOCS / "howto" / "own-data.md"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(recipe, "MIN_STEPS", 40)
    monkeypatch.setattr(recipe, "EPOCHS", 1)
    for language, body in re.findall(r"^```(sh|python)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S):
        if language == "python":
            exec(compile(body, str(page), "exec"), {})
            continue
        for words in map(shlex.split, body.splitlines()):
            arguments = [*words[1:], "--steps", "2"] if words[1] == "run" else words[1:]
            result = CliRunner().invoke(main, arguments)
            assert result.exit_code == 0, f"{shlex.join(words)}: {result.output}"


def test_both_tutorials_have_equal_commands_outputs_and_pictures() -> None:
    for language in ("sh", "python"):
        assert blocks(TUTORIAL, language) == blocks(KOREAN, language)
    different = [pair for pair in zip(blocks(TUTORIAL, ""), blocks(KOREAN, ""), strict=True) if pair[0] != pair[1]]
    assert len(different) == 1, "only the formula of the objective has words in it"
    english, korean = (
        re.findall(r"^\|.*ganbench-1.*$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for page in (TUTORIAL, KOREAN)
    )
    assert english == korean
    assert pictures(TUTORIAL) == pictures(KOREAN)
    assert len(pictures(TUTORIAL)) >= 4
    for page in PAGES:
        for picture in pictures(page):
            assert picture.stat().st_size < 110_000, picture


def pictures(page: Path) -> list[Path]:
    names = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    return [(page.parent / name).resolve() for name in names]


def test_tutorial_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All commands run in order in one folder; only training on points is run, with few steps."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (code,) = blocks(TUTORIAL, "python")
    name = re.match(r"# (\w+\.py)\n", code)
    assert name is not None
    Path(name[1]).write_text(code)
    trained = 0
    for words in lines(TUTORIAL):
        if words[0] == "python":
            completed = subprocess.run([sys.executable, *words[1:]], check=False, capture_output=True, text=True)
            assert completed.returncode == 0, completed.stderr
            continue
        assert words[0] == "ganbench", words
        arguments = words[1:]
        if arguments[0] == "run" and "--dry-run" not in arguments:
            if "ring" not in arguments:
                continue
            arguments = shorter(arguments)
            trained += 1
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, f"{shlex.join(words)}: {result.output}"
    assert trained >= 5
    assert list(tmp_path.glob("reports/*/report.html"))


def shorter(words: list[str]) -> list[str]:
    """The same run with two steps, two seeds and few scored samples."""
    short = words[:]
    short[short.index("--steps") + 1] = "2"
    short[short.index("--seeds") + 1] = "0-1"
    return [*short, "--set", "evaluation.samples=500", "--set", "evaluation.quick_samples=500"]
