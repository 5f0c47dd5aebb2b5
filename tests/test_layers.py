"""The walls of the house: who may import whom, and what must not be imported at all."""

from __future__ import annotations

import ast
from pathlib import Path

import ganbench

PACKAGE = Path(ganbench.__file__).parent

# A room may import rooms of lower floors, and its own modules. Rooms of one floor don't know each other.
FLOORS = (
    {"errors"},
    {
        "registry",
        "seeding",
        "settings",
        "options",
        "layers",
        "provenance",
        "plots",
        "collapse",
        "profile",
        "threads",
        "version",
        "device",
        "signals",
        "inference",
        "formatting",
    },
    {"losses", "penalties", "archs", "wrappers", "evaluators", "timeline", "catalogue", "claims"},
    {"data", "metrics", "budget"},
    {"protocols", "samples", "planted"},
    {"config", "evaluation", "doctor", "components"},
    {"train", "track", "sweep"},
    {"tracked", "progress"},
    {"watch", "artifacts", "standing", "tidy"},
    {"ensemble_run", "results", "estimate"},
    {"run", "selection", "export"},
    {"stats", "task", "reproduce"},
    {"verdict", "executors", "judgement", "difference"},
    {"report", "display", "listing", "sweep_table"},
    {"show", "outcome", "contract"},
    {"session", "evaluate_session"},
    {"sweep_session", "reproduce_session"},
    {"cli"},
)
READ_ARM = (
    "claims",
    "tidy",
    "results",
    "inference",
    "formatting",
    "selection",
    "stats",
    "judgement",
    "verdict",
    "difference",
    "report",
    "track",
    "collapse",
    "timeline",
    "plots",
)
RUN_ARM = (
    "losses",
    "penalties",
    "archs",
    "wrappers",
    "layers",
    "profile",
    "budget",
    "evaluators",
    "data",
    "metrics",
    "protocols",
    "samples",
    "planted",
    "components",
    "evaluation",
    "doctor",
    "config",
    "train",
    "tracked",
    "watch",
    "artifacts",
    "ensemble_run",
    "run",
    "sweep",
    "progress",
    "standing",
    "estimate",
    "task",
    "executors",
    "reproduce",
    "contract",
)


def floor(room: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def modules() -> list[tuple[str, str, set[str]]]:
    """Every module: its room, its path, and the full names that it imports."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE)
        imported: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{inside}: imports are absolute"
                imported.add(node.module or "")
                imported |= {f"{node.module}.{alias.name}" for alias in node.names}
        found.append((inside.parts[0].removesuffix(".py"), str(inside), imported))
    return found


def rooms_of(imported: set[str]) -> set[str]:
    known = set().union(*FLOORS)
    return {name.split(".")[1] for name in imported if name.startswith("ganbench.")} & known


def test_every_room_has_a_floor() -> None:
    rooms = {room for room, _, _ in modules()} - {"__init__", "__main__"}
    assert rooms == set().union(*FLOORS)


def test_imports_go_downwards_only() -> None:
    for room, path, imported in modules():
        if room in ("__init__", "__main__"):
            continue
        for other in rooms_of(imported) - {room}:
            assert floor(other) < floor(room), f"{path} imports ganbench.{other}, which is not below it"


def test_the_read_arm_does_not_know_the_run_arm_or_torch() -> None:
    for room, path, imported in modules():
        if room in READ_ARM:
            assert not rooms_of(imported) & set(RUN_ARM), path
            assert not any(name.split(".")[0] in ("torch", "torchvision") for name in imported), path


def test_one_room_imports_mlflow_and_only_the_cli_imports_click() -> None:
    knowing = [path for _, path, imported in modules() if any(n.split(".")[0] == "mlflow" for n in imported)]
    assert knowing == [f"track/mlflow/{name}.py" for name in ("asking", "connection", "writing")]
    assert {room for room, _, imported in modules() if any(n.split(".")[0] == "click" for n in imported)} == {"cli"}


def test_nothing_unpickles_files() -> None:
    for _, path, imported in modules():
        if path != "data/fetch.py":
            assert "pickle" not in imported, path
        source = (PACKAGE / path).read_text()
        assert "torch.load" not in source, path
        assert "allow_pickle=True" not in source, path
