"""A disk that fills up while a checkpoint, an artifact or the store is written (needs root: it mounts a small tmpfs).

    python -m tests.chaos.disk_full

The sweep must end with a clear error and no traceback, the previous checkpoint must stay intact, and the sweep must go
on, to the same numbers, after space is made.
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
"""Of the disk: the smaller, the earlier it is full."""


@contextmanager
def small_disk(place: Path, kilobytes: int) -> Iterator[Path]:
    """A tmpfs of that size."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def main() -> int:
    counts: Counter[str] = Counter()
    told: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as place:
        file = str(experiment_file(Path(place)))
        whole = Path(place) / "whole"
        whole.mkdir()
        assert finish(["sweep", file, "--store", "store"], whole) == 0, (whole / "output.txt").read_text()
        expected, _ = runs_in(whole / "store" / "mlflow.db")
        assert len(expected) == RUNS
        for size in SIZES_KB:
            folder = Path(place) / f"{size}"
            folder.mkdir()
            with small_disk(folder / "disk", size):
                command = ["sweep", file, "--store", "disk/store"]
                status = finish(command, folder)
                output = (folder / "output.txt").read_text()
                counts["not noticed"] += status == 0
                counts["tracebacks"] += "Traceback" in output
                counts["no clear error"] += not any(
                    word in output for word in ("No space left", "disk is full", "full")
                )
                told.update(line.strip()[:100] for line in output.splitlines() if "No space" in line or "full" in line)
                counts["broken checkpoints"] += sum(
                    not _whole(path) for path in (folder / "disk").rglob("*.safetensors")
                )
                subprocess.run(["mount", "-o", "remount,size=200M", str(folder / "disk")], check=True)
                counts["did not go on"] += finish(command, folder) != 0
                found, faults = runs_in(folder / "disk" / "store" / "mlflow.db")
                counts.update(faults)
                counts.update(differences(expected, found))
                counts["temporary files"] += len(leftovers(folder))
    code = report("full disks", {"sizes in kB": SIZES_KB}, {name: counts[name] for name in counts})
    for line, count in told.most_common(8):
        print(f"   {count} × {line}")
    return code


def _whole(path: Path) -> bool:
    if "artifacts" in path.parts:
        return True
    try:
        load_checkpoint(path)
    except GanbenchError:
        return False
    return bool(checkpoint_paths(path.parent))


if __name__ == "__main__":
    sys.exit(main())
