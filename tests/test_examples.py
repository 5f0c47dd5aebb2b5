"""The example scripts run as they are."""

from __future__ import annotations

import ast
import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ganbench.data.fetch import cache_folder
from ganbench.data.labelled import LabelledImages

ROOT = Path(__file__).parent.parent
DCGAN = ROOT / "examples" / "dcgan_mnist.py"
EVERY, PLANTED, PATIENCE = 15, 75, 5


@pytest.fixture
def torchvision_folder(tmp_path: Path, mnist: LabelledImages) -> Path:
    """MNIST where torchvision looks for it: nothing is downloaded."""
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for path in (cache_folder() / "mnist").glob("*-ubyte"):
        (raw / path.name).symlink_to(path)
    return tmp_path / "data"


def test_collapse_planted_in_the_dcgan_is_found(torchvision_folder: Path, tmp_path: Path) -> None:
    """The planted fault: from step 75 on, the generator is given the same 50 latents only."""
    options = {"--steps": 200, "--every": EVERY, "--width": 8, "--lr": 3e-3, "--repeat-after": PLANTED}
    words = [str(word) for option in options.items() for word in option]
    command = [sys.executable, str(DCGAN), "--data", str(torchvision_folder), *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    *looks, last = [line for line in done.stdout.splitlines() if line.partition(" ")[0].isdigit()]
    steps = {int(number): ast.literal_eval(numbers) for number, numbers in (look.split(" ", 1) for look in looks)}
    assert all(numbers["near_duplicates"] < 0.05 for step, numbers in steps.items() if step <= PLANTED)
    assert not any(numbers["collapsed"] for numbers in steps.values())
    assert last.startswith(f"{PLANTED + PATIENCE * EVERY} "), "five looks after the collapse, training ends"
    assert f"COLLAPSED at step {PLANTED + PATIENCE * EVERY}: " in done.stdout
    events = json.loads((tmp_path / "dcgan-mnist" / "timeline.json").read_text(encoding="utf-8"))["events"]
    (duplicates,) = [event for event in events if event["kind"] == "duplicates"]
    assert (duplicates["step"], duplicates["severity"]) == (PLANTED + EVERY, pytest.approx(1, abs=0.05))
    with (tmp_path / "dcgan-mnist" / "numbers.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == len(steps) + 1


def test_alarm_of_the_dcgan_is_five_lines() -> None:
    lines = DCGAN.read_text(encoding="utf-8").splitlines()
    assert sum(line.endswith("# +") for line in lines) == 5
