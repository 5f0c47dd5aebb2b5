"""Allowed imports between folders, as in the table of docs/architecture.md."""

from __future__ import annotations

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import ganbench

PACKAGE = Path(ganbench.__file__).parent
EVERYTHING = "checks cli core data evaluation methods results runs spec tracking training"
ALLOWED = {
    "cli": EVERYTHING,
    "integrations": "evaluation",
    "runs": "training spec evaluation data tracking core",
    "checks": "training spec evaluation data methods core",
    "training": "spec data methods core",
    "spec": "evaluation data methods core",
    "evaluation": "data methods core",
    "results": "tracking core",
    "methods": "core",
    "data": "core",
    "tracking": "core",
    "core": "",
}
"""Folders that the files of each folder may import from."""
TOP_LEVEL_FILES = {"__init__", "__main__", "metrics", "plugin", "torchmetrics"}
"""Files outside the folders: the public API, and the import for authors of components."""
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@cache
def imports() -> dict[str, set[str]]:
    """Full names that each module imports; names within the package are reduced to modules."""
    files = {name_of(path): path for path in PACKAGE.rglob("*.py")}
    imported: dict[str, set[str]] = {}
    for module, path in files.items():
        imported[module] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported[module] |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{module}: imports are absolute"
                names = {f"{node.module}.{alias.name}" for alias in node.names}
                imported[module] |= {name if name in files else str(node.module) for name in names}
    return imported


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def folder_of(module: str) -> str:
    """The folder of a module, such as `core` for `ganbench.core.errors`; the file's name for a top-level file."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def ours(imported: set[str]) -> set[str]:
    return {name for name in imported if name.partition(".")[0] == "ganbench"}


def packages(imported: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in imported}


def test_folders_are_those_of_the_table() -> None:
    assert {folder_of(module) for module in imports()} == set(ALLOWED) | TOP_LEVEL_FILES


@pytest.mark.parametrize("folder", ALLOWED)
def test_folder_imports_only_allowed_folders(folder: str) -> None:
    for module, imported in imports().items():
        if folder_of(module) == folder:
            others = {folder_of(name) for name in ours(imported)} - {folder}
            assert others <= set(ALLOWED[folder].split()), module


def test_files_have_no_import_cycle() -> None:
    graph = {module: ours(imported) for module, imported in imports().items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_init_files_define_nothing() -> None:
    defining = set()
    for path in PACKAGE.rglob("__init__.py"):
        nodes = ast.walk(ast.parse(path.read_text()))
        if path.parent != PACKAGE and any(isinstance(node, DEFINITIONS) for node in nodes):
            defining.add(name_of(path))
    assert not defining, "interfaces live in `base.py`; `__init__.py` re-exports and registers"


def test_files_do_not_import_a_package_that_contains_them() -> None:
    # `import_folder` makes a package import its files: a cycle that import statements alone don't show.
    for module, imported in imports().items():
        containing = {name for name in ours(imported) if module.startswith(f"{name}.")}
        assert not containing, f"{module}: import from the package's `base`"


def test_results_do_not_import_torch() -> None:
    for module, imported in imports().items():
        if folder_of(module) == "results":
            assert not packages(imported) & {"torch", "torchvision"}, module


def test_only_tracking_imports_mlflow_and_only_cli_imports_click() -> None:
    mlflow_modules = {module for module, imported in imports().items() if "mlflow" in packages(imported)}
    files = ("client", "connection", "parent", "tracker")
    assert mlflow_modules == {f"ganbench.tracking.mlflow.{name}" for name in files}
    assert {folder_of(module) for module, imported in imports().items() if "click" in packages(imported)} == {"cli"}


def test_no_file_is_unpickled() -> None:
    for module, imported in imports().items():
        assert "pickle" not in packages(imported), module
    for path in PACKAGE.rglob("*.py"):
        assert "torch.load" not in path.read_text(), path
        assert "allow_pickle=True" not in path.read_text(), path
