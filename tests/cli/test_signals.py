"""A closed terminal ends a run as SIGTERM does: with a checkpoint."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ganbench.cli.console.signals import signals
from ganbench.tracking.mlflow.client import read_statuses
from ganbench.tracking.store import find_store
from ganbench.tracking.ui import interrupt_on_signals
from tests.conftest import PATIENCE

LONG = (
    *("run", "--dataset", "ring:points=2000", "--steps", "100000", "--batch-size", "8", "--eval-every", "20"),
    *("--arch", "mlp:latent_dim=8,generator_widths=[16],critic_widths=[16]"),
    *("--set", "evaluation.quick_samples=500", "--set", "evaluation.samples=500"),
)


def test_a_run_whose_terminal_is_closed_ends_with_a_checkpoint(tmp_path: Path) -> None:
    terminal, ours = pty.openpty()
    command = [sys.executable, "-m", "ganbench", *LONG, "--store", str(tmp_path / "store")]
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # even if these tests run under nohup
    process = subprocess.Popen(["setsid", "--ctty", *command], stdin=ours, stdout=ours, stderr=ours)
    signal.signal(signal.SIGHUP, before)
    os.close(ours)
    deadline, output = time.monotonic() + PATIENCE, b""
    while not list(tmp_path.rglob("*.safetensors")):
        assert time.monotonic() < deadline
        assert process.poll() is None, output.decode()
        if select.select([terminal], [], [], 0.1)[0]:
            output += os.read(terminal, 4096)
    os.close(terminal)
    assert process.wait(PATIENCE) == 128 + signal.SIGHUP
    assert set(read_statuses(find_store(str(tmp_path / "store")), "ganbench").values()) == {"stopped"}


def test_a_second_hangup_does_not_end_what_the_first_one_stops() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        with signals() as stop:
            signal.raise_signal(signal.SIGHUP)
            signal.raise_signal(signal.SIGHUP)
            assert (stop.event.is_set(), stop.number) == (True, signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_closed_terminal_interrupts_servers_so_that_they_end_theirs() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        interrupt_on_signals()
        for number in numbers:
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(number)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_nohup_is_respected() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals() as stop:
            signal.raise_signal(signal.SIGHUP)
            assert not stop.event.is_set()
    finally:
        signal.signal(signal.SIGHUP, before)
