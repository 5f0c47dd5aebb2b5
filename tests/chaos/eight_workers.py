"""Eight processes write at once to one SQLite store that does not exist yet.

    python -m tests.chaos.eight_workers [--rounds 3]

Each runs a different spec with `ganbench run`. There must be no "database is locked", no broken
schema, and no lost number.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.chaos.common import differences, finish, report, runs_in, start

WORKERS = 8
SMALL = ["--dataset", "ring:points=2000", "--arch", "mlp:latent_dim=4,generator_widths=[16],critic_widths=[16]"]
SMALL += ["--batch-size", "32", "--steps", "200", "--eval-every", "50"]
SMALL += ["--set", "evaluation.quick_samples=500", "--set", "evaluation.samples=1000"]


def command(worker: int) -> list[str]:
    """The command of a worker: two seeds of a spec that no other worker runs."""
    unique = ["--set", f"train.critic_lr={1e-3 * (worker + 1)}"]
    return ["run", *SMALL, *unique, "--seeds", "0-1", "--store", "store"]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    rounds = options.parse_args().rounds
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as base:
        alone = Path(base) / "alone"
        alone.mkdir()
        for worker in range(WORKERS):
            assert finish(command(worker), alone) == 0, (alone / "output.txt").read_text()
        expected, _ = runs_in(alone / "store" / "mlflow.db")
        assert len(expected) == 2 * WORKERS
        for number in range(rounds):
            folder = Path(base) / f"round-{number}"
            folder.mkdir()
            processes = [start(command(worker), folder) for worker in range(WORKERS)]
            counts["failed commands"] += sum(process.wait() != 0 for process in processes)
            actual, faults = runs_in(folder / "store" / "mlflow.db")
            counts.update(faults)
            counts.update(differences(expected, actual))
            counts["database is locked"] += (folder / "output.txt").read_text().count("locked")
            if counts["failed commands"]:
                print((folder / "output.txt").read_text()[-3000:])
    return report(f"{WORKERS} workers", {"rounds": rounds}, {name: counts[name] for name in counts})


if __name__ == "__main__":
    sys.exit(main())
