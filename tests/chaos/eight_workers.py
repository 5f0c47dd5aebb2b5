"""Eight processes that write to one SQLite store which does not exist yet, all at once.

    python -m tests.chaos.eight_workers [--rounds 3]

Each runs a spec of its own with `ganbench run`. There must be no "database is locked", no broken
schema, no lost number.
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
    """What a worker runs: two seeds of a spec that nobody else runs."""
    own = ["--set", f"train.critic_lr={1e-3 * (worker + 1)}"]
    return ["run", *SMALL, *own, "--seeds", "0-1", "--store", "store"]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    rounds = options.parse_args().rounds
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as place:
        alone = Path(place) / "alone"
        alone.mkdir()
        for worker in range(WORKERS):
            assert finish(command(worker), alone) == 0, (alone / "output.txt").read_text()
        expected, _ = runs_in(alone / "store" / "mlflow.db")
        assert len(expected) == 2 * WORKERS
        for number in range(rounds):
            folder = Path(place) / f"round-{number}"
            folder.mkdir()
            processes = [start(command(worker), folder) for worker in range(WORKERS)]
            counts["failed commands"] += sum(process.wait() != 0 for process in processes)
            found, faults = runs_in(folder / "store" / "mlflow.db")
            counts.update(faults)
            counts.update(differences(expected, found))
            counts["database is locked"] += (folder / "output.txt").read_text().count("locked")
            if counts["failed commands"]:
                print((folder / "output.txt").read_text()[-3000:])
    return report(f"{WORKERS} workers", {"rounds": rounds}, {name: counts[name] for name in counts})


if __name__ == "__main__":
    sys.exit(main())
