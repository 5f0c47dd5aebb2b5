"""What surrounds the code: workflows and hooks call targets that exist, versions agree, a release is all or nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from ganbench import __version__

ROOT = Path(__file__).parent.parent
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
UNTRACKED = {".git", ".venv", "site", "dist", "reports", "mlruns-ganbench"}
INDEXES = ("pypi" + ".org", "python" + "hosted.org", "download." + "pytorch.org")


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_workflows_and_hooks_call_targets_of_the_makefile() -> None:
    jobs = read(".github/workflows/ci.yml")["jobs"]
    matrix = jobs["make"]["strategy"]["matrix"]["target"]
    steps = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    called = [re.sub(r"\$\{\{[^}]*\}\}", target, step) for step in steps for target in matrix]
    hooks = [hook["entry"] for repo in read(".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
    for words in map(str.split, (*called, *hooks)):
        assert words[0] == "make"
        assert {word for word in words[1:] if "=" not in word and not word.startswith("-")} <= TARGETS, words
    assert set(matrix) >= {"lint", "types", "docs", "build"}


def test_versions_of_python_are_those_that_are_tested() -> None:
    tested = read(".github/workflows/ci.yml")["jobs"]["test"]["strategy"]["matrix"]["python"]
    stated = [name.rpartition(" ")[2] for name in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", name)]
    assert tested == stated
    assert PROJECT["requires-python"] == f">={tested[0]}"


def test_citation_has_the_version() -> None:
    assert str(read("CITATION.cff")["version"]) == __version__


@pytest.mark.parametrize("form", ["bug", "method"])
def test_issue_forms_have_what_they_need(form: str) -> None:
    fields = read(f".github/ISSUE_TEMPLATE/{form}.yml")
    assert {"name", "description", "body"} <= set(fields)
    assert all(field["attributes"]["label"] for field in fields["body"])


def test_no_file_names_a_package_index() -> None:
    for path in ROOT.rglob("*"):
        if path.relative_to(ROOT).parts[0] in UNTRACKED or not path.is_file() or path.stat().st_size > 1_000_000:
            continue
        text = path.read_bytes().decode(errors="ignore")
        assert not [index for index in INDEXES if index in text], path


FAKE_UV = """#!/bin/sh
echo "$@" >> "{log}"
case "$*" in *--torch-backend*) exit 1;; esac
"""


@pytest.mark.parametrize(("torch", "tries"), [("", 1), ("cpu", 2)])
def test_torch_falls_back_to_the_usual_build(torch: str, tries: int, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    uv, log = venv / "bin" / "uv", tmp_path / "log"
    uv.write_text(FAKE_UV.format(log=log))
    uv.chmod(0o755)
    command = ["make", f"VENV={venv}", f"TORCH={torch}", str(venv / ".ready")]
    made = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert made.returncode == 0, made.stderr
    assert len(log.read_text().splitlines()) == tries
    assert ("can't be had here: installing the usual one" in made.stdout) == (tries == 2)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with what a release changes, whose next version is 9.8.7; its `uv` builds nothing."""
    folder = tmp_path / "checkout"
    for name in (".ci/release", "ganbench/core/version.py", "CITATION.cff", ".gitignore"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / "CHANGELOG.md").write_text("# Changelog\n\n## 9.8.7 (unreleased)\n\n- New.\n")
    uv = tmp_path / "uv"
    uv.write_text('#!/bin/sh\nmkdir -p dist && touch dist/wheel && echo "$@" >> ../log\n')
    uv.chmod(0o755)
    git(folder, "init", "--quiet")
    git(folder, "config", "user.email", "a@b.example")
    git(folder, "config", "user.name", "A")
    git(folder, "add", "-A")
    git(folder, "commit", "--quiet", "-m", "First")
    return folder


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def release(folder: Path, version: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "UV": str(folder.parent / "uv"), "HOME": str(folder)}
    command = [str(folder / ".ci/release"), version]
    return subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)


def test_a_release_changes_version_changelog_and_citation_and_tags(checkout: Path) -> None:
    released = release(checkout, "9.8.7")
    assert released.returncode == 0, released.stderr
    assert git(checkout, "tag").split() == ["v9.8.7"]
    assert '__version__ = "9.8.7"' in (checkout / "ganbench/core/version.py").read_text()
    assert re.search(r"^## 9\.8\.7 \(\d{4}-\d\d-\d\d\)$", (checkout / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    citation = yaml.safe_load((checkout / "CITATION.cff").read_text())
    assert citation["version"] == "9.8.7"
    assert citation["date-released"]
    assert "twine check" in (checkout.parent / "log").read_text()
    assert git(checkout, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("version", "message"),
    [("9.8", "say which version"), ("9.8.6", "no heading '## 9.8.6 (unreleased)'")],
)
def test_a_release_that_cannot_be_made_changes_nothing(version: str, message: str, checkout: Path) -> None:
    refused = release(checkout, version)
    assert (refused.returncode, git(checkout, "status", "--porcelain"), git(checkout, "tag")) == (2, "", "")
    assert message in refused.stderr


def test_a_release_of_changes_that_are_not_committed_or_of_an_earlier_version_is_refused(checkout: Path) -> None:
    git(checkout, "tag", "v9.8.7")
    assert "the tag v9.8.7 exists" in release(checkout, "9.8.7").stderr
    git(checkout, "tag", "v9.10.0")
    assert "the version 9.9.9 is older than 9.10.0, which is tagged" in release(checkout, "9.9.9").stderr
    (checkout / "new.txt").touch()
    assert "not committed" in release(checkout, "9.11.0").stderr
    assert git(checkout, "tag").split() == ["v9.10.0", "v9.8.7"]


def test_a_release_that_cannot_be_tagged_is_undone(checkout: Path) -> None:
    git(checkout, "config", "tag.gpgSign", "true")
    git(checkout, "config", "gpg.program", "false")
    failed = release(checkout, "9.8.7")
    assert failed.returncode != 0
    assert "nothing was released" in failed.stderr
    assert git(checkout, "log", "--format=%s").split() == ["First"]
    assert (git(checkout, "status", "--porcelain"), git(checkout, "tag")) == ("", "")


def test_a_release_whose_build_fails_is_undone(checkout: Path) -> None:
    (checkout.parent / "uv").write_text("#!/bin/sh\nexit 1\n")
    failed = release(checkout, "9.8.7")
    assert failed.returncode != 0
    assert "nothing was released" in failed.stderr
    assert (git(checkout, "status", "--porcelain"), git(checkout, "tag")) == ("", "")
