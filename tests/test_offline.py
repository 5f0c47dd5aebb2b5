"""The bundle for machines without a network: whole, small enough, and with a script that says what is wrong."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from ganbench.core.errors import GanbenchError
from offline import bundle
from offline.bundle import Target, write_bundle

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
INSTALL = Path(bundle.__file__).parent / "install.sh"


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Target:
    """No network and no data: one wheel of ten megabytes, of a package that is called as what was asked for."""
    sizes = {"full": {"mlflow==3": 30_000_000}, "skinny": {"mlflow-skinny==3": 10_000_000}}

    def download(target: Target, pins: list[str], folder: Path) -> None:
        for pin in pins:
            (folder / pin).write_text("a wheel")

    monkeypatch.setattr(bundle, "_resolve", lambda target, mlflow: sizes[mlflow])
    monkeypatch.setattr(bundle, "_download", download)
    monkeypatch.setattr(bundle, "_build_own_wheel", lambda folder: folder.mkdir())
    monkeypatch.setattr(bundle, "_pack_data", lambda folder, names: folder.mkdir())
    return Target(HERE, "manylinux_2_28_x86_64", ("torch",))


@pytest.mark.parametrize(("limit", "taken"), [(60, "mlflow==3"), (20, "mlflow-skinny==3")])
def test_the_whole_of_mlflow_is_taken_where_it_fits(limit: float, taken: str, target: Target, tmp_path: Path) -> None:
    write_bundle(target, [], limit, "auto", tmp_path / "bundle")
    assert [path.name for path in (tmp_path / "bundle" / "wheels").iterdir()] == [taken]
    sums = (tmp_path / "bundle" / "SHA256SUMS").read_text()
    assert hashlib.sha256(b"a wheel").hexdigest() in sums
    assert (tmp_path / "bundle" / "without").read_text() == "torch\n"
    write_bundle(target, [], limit, "auto", tmp_path / "bundle")  # a bundle may be replaced


def test_what_is_too_large_is_not_written_and_its_largest_parts_are_named(target: Target, tmp_path: Path) -> None:
    with pytest.raises(GanbenchError, match=r"10 MB, more than 5.*\n.*10\.0 MB  mlflow-skinny==3 \(wheel\)"):
        write_bundle(target, [], 5, "auto", tmp_path / "bundle")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_no_bundle_is_not_replaced(target: Target, tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "mine").touch()
    with pytest.raises(GanbenchError, match="is no bundle"):
        write_bundle(target, [], 60, "auto", tmp_path / "bundle")
    assert (tmp_path / "bundle" / "mine").exists()


def test_wheels_of_older_systems_are_taken_and_of_newer_ones_not() -> None:
    tags = Target("3.12", "manylinux_2_28_x86_64", ()).tags
    assert {"manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"} <= set(tags)
    assert "manylinux_2_31_x86_64" not in tags
    with pytest.raises(GanbenchError, match="is no platform"):
        _ = Target("3.12", "windows", ()).tags


def install(folder: Path) -> str:
    command = ["bash", str(folder / "install.sh"), str(folder / "venv")]
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": sys.executable}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 2, done.stdout + done.stderr
    assert not (folder / "venv").exists()
    return done.stderr


def packed(folder: Path, python: str, without: str) -> None:
    (folder / "install.sh").write_text(INSTALL.read_text())
    (folder / "python-version").write_text(f"{python}\n")
    (folder / "without").write_text(without)
    bundle._write_sums(folder)


def test_a_cut_bundle_is_not_installed(tmp_path: Path) -> None:
    packed(tmp_path, HERE, "")
    (tmp_path / "without").write_text("torc")
    assert "the bundle is truncated or altered" in install(tmp_path)


def test_a_bundle_for_another_python_is_not_installed(tmp_path: Path) -> None:
    packed(tmp_path, "3.99", "")
    assert f"is for Python 3.99, and '{sys.executable}' is {HERE}" in install(tmp_path)


def test_a_bundle_that_relies_on_what_is_not_there_is_not_installed(tmp_path: Path) -> None:
    packed(tmp_path, HERE, "torch\nno-such-package\n")
    assert "the bundle leaves out no-such-package" in install(tmp_path)
