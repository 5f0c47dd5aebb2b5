"""Six tiny experiments on the command line, and hashes of all results: `python -m tests.golden FOLDER`.

It uses only commands and files of the package, so it needs no change when code is restructured: on the same machine,
the printed hashes must be the same before and after.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from click.testing import CliRunner

from ganbench.cli import main as command
from tests.conftest import forgotten_plugins

PLUGIN = Path(__file__).parent / "plugin.py"
SMALL_MLP = "mlp:generator_widths=[16,16],critic_widths=[16]"
SMALL_DCGAN = "dcgan:latent_dim=8,generator_width=8,critic_width=8"
SPECS: dict[str, list[str]] = {
    "ring": ["--dataset", "ring", "--loss", "minimax", "--arch", SMALL_MLP, "--batch-size", "32"],
    "plugin": [
        *("--dataset", "ring", "--plugin", str(PLUGIN), "--loss", "golden-squares:weight=0.5", "--arch", SMALL_MLP),
        *("--penalty", "r1:gamma=0.1", "--set", "wrapper.name=spectral-norm", "--pac", "2", "--batch-size", "32"),
    ],
    "grid": [
        "--dataset",
        "grid",
        "--loss",
        "r3gan",
        "--arch",
        SMALL_MLP,
        "--batch-size",
        "32",
        "--set",
        "train.ema=0.1",
    ],
    "mnist": [
        *(
            "--dataset",
            "mnist",
            "--loss",
            "wgan-gp",
            "--arch",
            f"{SMALL_MLP},generator_norm=none",
            "--batch-size",
            "16",
        ),
    ],
    "dcgan": ["--dataset", "mnist", "--loss", "non-saturating", "--arch", SMALL_DCGAN, "--batch-size", "16"],
    "stacked": ["--dataset", "stacked-mnist", "--loss", "hinge", "--arch", SMALL_DCGAN, "--batch-size", "16"],
}
COMMON_FLAGS = ["--seeds", "0-1", "--steps", "6", "--eval-every", "3", "--device", "cpu"]
COMMON_FLAGS += ["--protocol", "ganbench-1"]
COMMON_FLAGS += ["--set", "evaluation.quick_samples=500", "--set", "evaluation.samples=500"]
VARYING_COLUMNS = ("commit", "device", "seconds")
"""Columns of results.csv that differ from run to run."""


def ganbench(folder: Path, *args: str) -> str:
    """Run a command with its own cache. Only one thread may be in use, since two give different last digits."""
    cache = folder / "cache"
    if not cache.exists():
        cache.mkdir()
        user_cache = os.environ.get("GANBENCH_DATA") or Path.home() / ".cache" / "ganbench"
        (cache / "mnist").symlink_to(Path(user_cache) / "mnist")
    with forgotten_plugins():
        result = CliRunner(env={"GANBENCH_DATA": str(cache)}).invoke(command, args, catch_exceptions=False)
    assert result.exit_code in (0, 1), result.output
    return result.stdout


def run_experiments(folder: Path, specs: Sequence[str] = tuple(SPECS)) -> dict[str, Any]:
    """Run, compare and report; return run ids, resolved specs, rows of results and hashes of files."""
    store = str(folder / "store")
    outputs: dict[str, Any] = {"ids": {}, "specs": {}, "files": {}}
    for name in specs:
        output = ganbench(folder, "run", *SPECS[name], *COMMON_FLAGS, "--dry-run")
        outputs["ids"][name] = [line.split()[-1] for line in output.splitlines() if line.startswith("# seed")]
        outputs["specs"][name] = [line for line in output.splitlines() if not line.startswith("#")]
        ganbench(folder, "run", *SPECS[name], *COMMON_FLAGS, "--store", store)
    ganbench(folder, "report", "--store", store, "--out", str(folder / "first"))
    [first] = (folder / "first").glob("*/results.csv")
    results = folder / "results.csv"
    outputs["rows"] = normalise(first, results)
    outputs["compare"] = ganbench(folder, "compare", "--from", str(results)).splitlines()
    ganbench(folder, "report", "--from", str(results), "--out", str(folder / "report"), "--title", "golden")
    outputs["files"]["results.csv"] = hashlib.sha256(results.read_bytes()).hexdigest()
    [report] = (folder / "report").iterdir()
    date, commit = report.name.encode().split(b"_")
    for path in (path for path in sorted(report.rglob("*")) if path.is_file()):
        content = path.read_bytes().replace(commit, b"COMMIT").replace(date, b"DATE")
        outputs["files"][f"report/{path.relative_to(report)}"] = hashlib.sha256(content).hexdigest()
    return outputs


def normalise(source: Path, target: Path) -> list[dict[str, str]]:
    """Copy results.csv without the columns that differ from run to run, sorted by run."""
    with source.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row.update(dict.fromkeys(VARYING_COLUMNS, ""))
    # A run's first row has its options, so the sort must be stable.
    rows.sort(key=lambda row: row["run"])
    with target.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return rows


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    folder.mkdir(parents=True)
    outputs = run_experiments(folder)
    (folder / "golden.json").write_text(json.dumps(outputs, indent=1))
    for part, value in outputs.items():
        print(f"{hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]}  {part}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
