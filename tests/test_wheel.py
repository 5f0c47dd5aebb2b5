"""The wheel works by itself: outside the checkout, with nothing but the installed package."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ganbench.core.experiment_files import experiment_files

ROOT = Path(__file__).parent.parent
MEGABYTE = 1_000_000
ONE_AFTER_ANOTHER = """
import json, shlex, sys
from click.testing import CliRunner
from ganbench.cli import main

outputs = []
for words in sys.argv[1:]:
    result = CliRunner().invoke(main, shlex.split(words), catch_exceptions=False)
    if result.exit_code:
        sys.exit(f"{words}: {result.output}")
    outputs.append(result.stdout)
print(json.dumps(outputs))
"""
SHORT = "--steps 2 --set evaluation.samples=500 --set evaluation.quick_samples=500"


def members(wheel: Path) -> dict[str, bytes]:
    """The files in a wheel, but for the list of them with their hashes."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/RECORD")}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution, and the wheel built from it."""
    folder = tmp_path_factory.mktemp("dist")
    built = subprocess.run(
        [sys.executable, "-m", "uv", "build", "--quiet", "--out-dir", str(folder), str(ROOT)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    return folder


class Installed:
    """The wheel in an environment of its own, which sees the other packages of this one, but not our sources."""

    def __init__(self, wheel: Path, folder: Path) -> None:
        self._cwd = folder / "elsewhere"
        self._cwd.mkdir()
        target = folder / "site"
        subprocess.run(
            [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(wheel)],
            check=True,
        )
        # Found before the site-packages of this environment, whose path file leads to the checkout.
        self._environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(target), sysconfig.get_path("purelib")]),
            "PYTHONSAFEPATH": "1",
            "OMP_NUM_THREADS": "1",
        }
        for name in ("MLFLOW_TRACKING_URI", "GANBENCH_STORE"):
            self._environment.pop(name, None)
        self.package = target / "ganbench"

    @property
    def folder(self) -> Path:
        return self._cwd

    def __call__(self, arguments: str) -> str:
        """Run `ganbench` with these arguments, and return what it prints."""
        return self.python("-m", "ganbench", *shlex.split(arguments))

    def each(self, *commands: str) -> list[str]:
        """Run commands in one process, since to start one takes seconds, and return what each prints."""
        outputs: list[str] = json.loads(self.python("-c", ONE_AFTER_ANOTHER, *commands))
        return outputs

    def python(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-S", *arguments],  # -S: without the path file of the checkout
            check=False,
            capture_output=True,
            text=True,
            cwd=self._cwd,
            env=self._environment,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def ganbench(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    (wheel,) = dist.glob("*.whl")
    return Installed(wheel, tmp_path_factory.mktemp("installed"))


def test_the_installed_package_is_used_and_has_every_experiment(ganbench: Installed) -> None:
    file = ganbench.python("-c", "import ganbench; print(ganbench.__file__)")
    assert Path(file.strip()) == ganbench.package / "__init__.py"
    listed = ganbench("experiments").splitlines()
    assert [line.split()[0] for line in listed] == list(experiment_files())
    for name, file_here in experiment_files().items():
        assert (ganbench.package / "experiments" / f"{name}.toml").read_bytes() == file_here.read_bytes()


def test_run_sweep_by_name_compare_report_evaluate_and_check_work_from_the_wheel(ganbench: Installed) -> None:
    points = np.random.default_rng(0).normal(size=(600, 2)).astype("float32")
    np.save(ganbench.folder / "points.npy", points)
    plugin = ROOT / "examples" / "ganbench_margin" / "ganbench_margin" / "relativistic_hinge.py"
    _, compared, _, swept, evaluated, checked = ganbench.each(
        f"run --dataset ring --loss minimax --arch mlp --seeds 0-1 {SHORT}",
        "compare",
        "report",
        "sweep balance --where loss=minimax --seeds 0-1 --dry-run",
        "evaluate points.npy --dataset ring --count 500",
        f"check {shlex.quote(str(plugin))}",
    )
    assert "minimax" in compared
    assert list(ganbench.folder.glob("reports/*/report.html"))
    assert "groups" in swept
    assert "points.npy" in evaluated
    assert "0 failed" in checked


def test_sources_hold_what_a_wheel_is_made_of_and_little_else(dist: Path) -> None:
    (archive,) = dist.glob("*.tar.gz")
    with tarfile.open(archive) as members:
        names = [name.partition("/")[2] for name in members.getnames()]
        weights = sum(member.size for member in members.getmembers() if "/weights/" in member.name)
    assert not [name for name in names if name.startswith(("reports/", "docs/", "tests/"))]
    assert {"README.md", "LICENSE", "pyproject.toml"} <= set(names)
    # Frozen networks don't compress; beside them there is less than a megabyte.
    assert archive.stat().st_size < weights + MEGABYTE


def test_the_wheel_from_the_sources_is_that_from_the_checkout(dist: Path, tmp_path: Path) -> None:
    (from_sources,) = dist.glob("*.whl")
    command = [sys.executable, "-m", "uv", "build", "--quiet", "--wheel", "--out-dir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True)
    (from_checkout,) = tmp_path.glob("*.whl")
    assert members(from_sources) == members(from_checkout)


def test_links_and_pictures_of_the_description_are_absolute(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        description = archive.read(name).decode().partition("\n\n")[2]
    targets = re.findall(r"\]\(([^)\s]*)\)", description)
    assert len(targets) > 10
    assert not [target for target in targets if not target.startswith(("https://", "#"))]
