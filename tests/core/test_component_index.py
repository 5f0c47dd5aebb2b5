"""The component index read from source: it equals the registries, and imports nothing slow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ganbench.core.component_index import FOLDERS, from_registry, from_source
from ganbench.spec.registries import REGISTRIES

SLOW = {"torch", "torchvision", "mlflow", "pandas", "numpy", "scipy", "matplotlib"}
LIST = """
import sys
from ganbench.cli import main
main(["list", *sys.argv[1:]], standalone_mode=False)
print("imported:", *sys.modules)
"""
PLUGIN = """
from ganbench.plugin import LOSSES
from ganbench.methods.losses.hinge import Hinge
from ganbench.plugin import register

@register(LOSSES, "wide-hinge")
class WideHinge(Hinge):
    'Hinge loss with a margin of its own (nobody, 2026).'
    margin: float = 2.0
"""


def list_output(*args: str | Path, path: Path | None = None) -> tuple[str, set[str]]:
    """The output of `ganbench list`, and the modules that it imports."""
    environment = {**os.environ, "COLUMNS": "200", **({"PYTHONPATH": str(path)} if path else {})}
    result = subprocess.run(
        [sys.executable, "-c", LIST, *args], check=False, capture_output=True, text=True, env=environment
    )
    assert result.returncode == 0, result.stderr
    printed, _, imported = result.stdout.rpartition("imported:")
    return printed, set(imported.split())


def test_source_and_registries_have_the_same_kinds() -> None:
    assert list(FOLDERS) == list(REGISTRIES)


@pytest.mark.parametrize("kind", FOLDERS)
def test_source_and_registry_have_equal_entries(kind: str) -> None:
    foreign = {name for name, component in REGISTRIES[kind].items() if component.is_foreign()}
    assert from_source(kind) == [entry for entry in from_registry(REGISTRIES[kind]) if entry.name not in foreign]


def test_list_command_imports_nothing_slow() -> None:
    for_all, imported = list_output()
    for_archs, imported_for_archs = list_output("archs")
    printed = for_all + for_archs
    imported |= imported_for_archs
    assert "non-saturating" in printed
    assert "generator_norm=none" in printed
    assert not imported & SLOW


def test_plugins_are_listed_if_given_or_installed(tmp_path: Path) -> None:
    plugin = tmp_path / "wide.py"
    plugin.write_text(PLUGIN)
    given, _ = list_output("losses", "--plugin", plugin)
    information = tmp_path / "wide-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Name: wide\nVersion: 1\n")
    (information / "entry_points.txt").write_text("[ganbench.plugins]\nwide = wide\n")
    installed, _ = list_output("losses", path=tmp_path)
    assert given == installed
    assert "Hinge loss with a margin of its own (nobody, 2026)." in given
    assert "margin=2.0" in given
    assert "non-saturating" in given
