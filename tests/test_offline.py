"""The offline bundle: complete, within the size limit, and with an install script that explains problems."""

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
    """A target without network and data: each download is a single wheel with the name of its requirement."""
    sizes = {"full": {"mlflow==3": 30_000_000}, "skinny": {"mlflow-skinny==3": 10_000_000}}

    def download(target: Target, pins: list[str], folder: Path) -> None:
        for pin in pins:
            (folder / pin).write_text("a wheel")

    monkeypatch.setattr(bundle, "_resolve", lambda target, mlflow: sizes[mlflow])
    monkeypatch.setattr(bundle, "_download", download)
    monkeypatch.setattr(bundle, "_build_own_wheel", lambda folder: folder.mkdir())
    monkeypatch.setattr(bundle, "_pack_data", lambda folder, names: folder.mkdir())
    return Target(HERE, "manylinux_2_28_x86_64", ("torch",))


@pytest.mark.parametrize(("limit", "wheel"), [(60, "mlflow==3"), (20, "mlflow-skinny==3")])
def test_full_mlflow_is_bundled_if_it_fits(limit: float, wheel: str, target: Target, tmp_path: Path) -> None:
    write_bundle(target, [], limit, "auto", tmp_path / "bundle")
    assert [path.name for path in (tmp_path / "bundle" / "wheels").iterdir()] == [wheel]
    sums = (tmp_path / "bundle" / "SHA256SUMS").read_text()
    assert hashlib.sha256(b"a wheel").hexdigest() in sums
    assert (tmp_path / "bundle" / "without").read_text() == "torch\n"
    write_bundle(target, [], limit, "auto", tmp_path / "bundle")  # an existing bundle may be replaced


def test_too_large_bundle_is_not_written_and_its_largest_parts_are_named(target: Target, tmp_path: Path) -> None:
    with pytest.raises(GanbenchError, match=r"10 MB, more than 5.*\n.*10\.0 MB  mlflow-skinny==3 \(wheel\)"):
        write_bundle(target, [], 5, "auto", tmp_path / "bundle")
    assert not list(tmp_path.iterdir())


def test_other_folders_are_not_replaced(target: Target, tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "mine").touch()
    with pytest.raises(GanbenchError, match="is no bundle"):
        write_bundle(target, [], 60, "auto", tmp_path / "bundle")
    assert (tmp_path / "bundle" / "mine").exists()


def test_wheels_for_older_systems_are_accepted_and_for_newer_ones_not() -> None:
    tags = Target("3.12", "manylinux_2_28_x86_64", ()).tags
    assert {"manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"} <= set(tags)
    assert "manylinux_2_31_x86_64" not in tags
    with pytest.raises(GanbenchError, match="is no platform"):
        _ = Target("3.12", "windows", ()).tags


def install(folder: Path) -> str:
    command = ["bash", str(folder / "install.sh"), str(folder / "venv")]
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": sys.executable}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert result.returncode == 2, result.stdout + result.stderr
    assert not (folder / "venv").exists()
    return result.stderr


def write_installable_bundle(folder: Path, python: str, without: str) -> None:
    (folder / "install.sh").write_text(INSTALL.read_text())
    (folder / "python-version").write_text(f"{python}\n")
    (folder / "without").write_text(without)
    bundle._write_sums(folder)


def test_modified_bundle_is_not_installed(tmp_path: Path) -> None:
    write_installable_bundle(tmp_path, HERE, "")
    (tmp_path / "without").write_text("torc")
    assert "the bundle is truncated or altered" in install(tmp_path)


def test_bundle_for_another_python_is_not_installed(tmp_path: Path) -> None:
    write_installable_bundle(tmp_path, "3.99", "")
    assert f"is for Python 3.99, and '{sys.executable}' is {HERE}" in install(tmp_path)


def test_bundle_with_unmet_requirements_is_not_installed(tmp_path: Path) -> None:
    write_installable_bundle(tmp_path, HERE, "torch\nno-such-package\n")
    assert "the bundle leaves out no-such-package" in install(tmp_path)
