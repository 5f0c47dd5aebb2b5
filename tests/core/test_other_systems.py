"""What only some systems have is not needed: Windows lacks signals, modules and flags, a Mac's GPU lacks float64."""

from __future__ import annotations

import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch

from ganbench.core.device import find_device, scoring_device
from ganbench.core.errors import GanbenchError
from ganbench.data.ring import Ring
from ganbench.spec.run_spec import resolve
from ganbench.training.trainer import train

WITHOUT_POSIX = """
import os, signal, sys
import matplotlib.pyplot, mlflow, pandas, torch, torchvision  # which know how to do without, and are not tested here
import mlflow.store.tracking.sqlalchemy_store
for module in ("pwd", "resource", "grp", "termios"):
    sys.modules[module] = None
for owner, names in {
    os: ("getuid", "geteuid", "killpg", "sysconf", "sched_getaffinity", "O_NOFOLLOW"),
    signal: ("SIGHUP", "SIGKILL"),
}.items():
    for name in names:
        delattr(owner, name)
from ganbench.cli import main
for line in sys.stdin.read().splitlines():
    try:
        main(line.split())
    except SystemExit as end:
        assert not end.code, f"{line}: {end.code}"
"""
COMMANDS = """
list losses
run --dataset ring --loss minimax --arch mlp --steps 2 --seeds 0-1 --config few.toml
compare
report
status balance --help
"""


def test_commands_work_without_what_only_posix_systems_have(tmp_path: Path) -> None:
    (tmp_path / "few.toml").write_text("[evaluation]\nsamples = 500\nquick_samples = 500\n")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_POSIX],
        input=COMMANDS.strip(),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp_path.glob("reports/*/report.html"))


def test_a_missing_apple_gpu_is_said_and_never_scores() -> None:
    assert scoring_device(torch.device("mps")) == torch.device("cpu")
    assert scoring_device(torch.device("cuda", 1)) == torch.device("cuda", 1)
    if not torch.backends.mps.is_available():
        with pytest.raises(GanbenchError, match="no Apple GPU here"):
            find_device("mps")


def test_training_moves_its_inputs_to_a_device_that_does_not_hold_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the device `meta`, which has shapes only, an operation with a tensor on the CPU is an error."""
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())  # which knows no such device
    spec = resolve(
        {
            "dataset": {"name": "ring", "points": 2_000},
            "arch": {"name": "mlp"},
            "loss": {"name": "wgan-gp"},
            "train": {"steps": 2, "batch_size": 16},
            "evaluation": {"every": 2, "quick_samples": 500, "samples": 500},
        }
    )
    assert isinstance(spec.dataset, Ring)
    data = spec.dataset.load(torch.device("cpu"))
    snapshots = list(train(spec, (0, 1), data, torch.device("meta"), every=1))
    assert snapshots[-1].step == 2
    assert all(value.device.type == "meta" for value in snapshots[-1].statistics.values())
