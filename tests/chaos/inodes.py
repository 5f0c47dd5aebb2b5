"""A file system without free inodes: no file can be created (needs root: it mounts a small tmpfs).

    python -m tests.chaos.inodes

As with a full disk, the sweep must end with a clear error and no traceback, and resume to the same numbers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.chaos.common import SMALL, differences, experiment_file, finish, leftovers, report, runs_in

TINY = SMALL.replace('["minimax", "hinge"]', '["minimax"]').replace("seeds = 4", "seeds = 2").replace("= 300", "= 200")
"""Two groups of two seeds are enough: what is tried are the places at which a file can't be created."""
INODES = (12, 30, 45, 70)
"""Numbers of files and folders that fit: the fewer, the earlier there is no room for one."""


def main() -> int:
    if os.geteuid() != 0:
        print("skipped: it takes root to mount a file system")
        return 0
    counts: Counter[str] = Counter()
    messages: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as base:
        file = str(experiment_file(Path(base), TINY))
        reference = Path(base) / "whole"
        reference.mkdir()
        assert finish(["sweep", file, "--store", "store"], reference) == 0
        expected, _ = runs_in(reference / "store" / "mlflow.db")
        for inodes in INODES:
            folder = Path(base) / str(inodes)
            disk = folder / "disk"
            disk.mkdir(parents=True)
            mount = ["mount", "-t", "tmpfs", "-o", f"size=200M,nr_inodes={inodes}", "tmpfs", str(disk)]
            subprocess.run(mount, check=True)
            try:
                command = ["sweep", file, "--store", "disk/store"]
                counts["unnoticed"] += finish(command, folder) == 0
                output = (folder / "output.txt").read_text(encoding="utf-8")
                counts["tracebacks"] += "Traceback" in output
                clear = [line for line in output.splitlines() if "No space left" in line or "full" in line]
                clear += [line for line in output.splitlines() if "unable to open database file" in line]
                counts["no clear error"] += not clear
                messages.update(line.strip()[:110] for line in clear)
                subprocess.run(["mount", "-o", "remount,nr_inodes=100000", str(disk)], check=True)
                counts["did not resume"] += finish(command, folder) != 0
                actual, faults = runs_in(disk / "store" / "mlflow.db")
                counts.update(faults)
                counts.update(differences(expected, actual))
                counts["temporary files"] += len(leftovers(folder))
            finally:
                subprocess.run(["umount", "--lazy", str(disk)], check=True)
    code = report("no inodes", {"inodes": INODES}, dict(counts))
    for line, count in messages.most_common(8):
        print(f"   {count} × {line}")
    return code


if __name__ == "__main__":
    sys.exit(main())
