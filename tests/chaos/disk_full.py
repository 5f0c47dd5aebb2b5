"""A disk that fills up while a checkpoint, an artifact or the store is written (needs root: it mounts a small tmpfs).

    python -m tests.chaos.disk_full

The sweep must end with a clear error and no traceback, the previous checkpoint must stay intact, and the sweep must
resume to the same numbers after space is freed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ganbench.core.errors import GanbenchError
from ganbench.training.checkpoint import checkpoint_paths, load_checkpoint
from tests.chaos.common import RUNS, differences, experiment_file, finish, leftovers, report, runs_in

SIZES_KB = (400, 1500, 2000, 3000, 5000, 9000, 14000, 19000)
"""Sizes of the disk: the smaller, the earlier it is full."""


@contextmanager
def small_disk(mount_point: Path, kilobytes: int) -> Iterator[Path]:
    """Mount a tmpfs of this size."""
    mount_point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(mount_point)], check=True)
    try:
        yield mount_point
    finally:
        subprocess.run(["umount", str(mount_point)], check=True)


def main() -> int:
    counts: Counter[str] = Counter()
    messages: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as base:
        file = str(experiment_file(Path(base)))
        reference = Path(base) / "whole"
        reference.mkdir()
        assert finish(["sweep", file, "--store", "store"], reference) == 0, (reference / "output.txt").read_text()
        expected, _ = runs_in(reference / "store" / "mlflow.db")
        assert len(expected) == RUNS
        for size in SIZES_KB:
            folder = Path(base) / f"{size}"
            folder.mkdir()
            with small_disk(folder / "disk", size):
                command = ["sweep", file, "--store", "disk/store"]
                status = finish(command, folder)
                output = (folder / "output.txt").read_text()
                counts["unnoticed"] += status == 0
                counts["tracebacks"] += "Traceback" in output
                counts["no clear error"] += not any(
                    word in output for word in ("No space left", "disk is full", "full")
                )
                messages.update(
                    line.strip()[:100] for line in output.splitlines() if "No space" in line or "full" in line
                )
                counts["broken checkpoints"] += sum(
                    not _is_intact(path) for path in (folder / "disk").rglob("*.safetensors")
                )
                subprocess.run(["mount", "-o", "remount,size=200M", str(folder / "disk")], check=True)
                counts["did not resume"] += finish(command, folder) != 0
                actual, faults = runs_in(folder / "disk" / "store" / "mlflow.db")
                counts.update(faults)
                counts.update(differences(expected, actual))
                counts["temporary files"] += len(leftovers(folder))
    code = report("full disks", {"sizes in kB": SIZES_KB}, {name: counts[name] for name in counts})
    for line, count in messages.most_common(8):
        print(f"   {count} × {line}")
    return code


def _is_intact(path: Path) -> bool:
    if "artifacts" in path.parts:
        return True
    try:
        load_checkpoint(path)
    except GanbenchError:
        return False
    return bool(checkpoint_paths(path.parent))


if __name__ == "__main__":
    sys.exit(main())
