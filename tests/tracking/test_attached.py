"""Servers, and what they started, end with the process that attached them, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ganbench.tracking.attached import attached, end_leftovers

MARK = "GANBENCH_TEST_OF_ATTACHED"
SERVER = "import subprocess, sys, time; subprocess.Popen(['sleep', '60']); time.sleep(60)"
DRIVER = f"""
import os, pathlib, sys, time
from ganbench.tracking.attached import attached
log = pathlib.Path(sys.argv[1])
with attached([sys.executable, "-c", {SERVER!r}], log, {{**os.environ, {MARK!r}: str(log)}}):
    time.sleep(60)
"""


def marked(value: object) -> list[int]:
    """The processes with the mark in their environment."""
    mark, processes = f"{MARK}={value}".encode(), []
    for file in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in file.read_bytes().split(b"\0"):
                processes.append(int(file.parent.name))
        except OSError:
            pass
    return processes


def wait_for(count: int, value: object) -> None:
    deadline = time.monotonic() + 30
    while len(marked(value)) != count:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_all_processes_end_with_a_killed_driver(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with subprocess.Popen([sys.executable, "-c", DRIVER, str(log)]) as driver:
        wait_for(3, log)  # the one in between, the server, and what that started
        driver.kill()
    wait_for(0, log)


def test_leftovers_are_ended_if_the_one_in_between_was_killed_as_well(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with subprocess.Popen([sys.executable, "-c", DRIVER, str(log)]) as driver:
        wait_for(3, log)
        os.kill(min(marked(log)), signal.SIGKILL)
        driver.kill()
    wait_for(2, log)
    end_leftovers(f"{MARK}={tmp_path}")
    assert len(marked(log)) == 2, "those of others stay"
    end_leftovers(f"{MARK}={log}")
    assert not marked(log)


@pytest.mark.parametrize(("code", "status"), [("exit(3)", 3), ("import os; os.kill(os.getpid(), 9)", 128 + 9)])
def test_exit_status_and_output_are_the_servers(code: str, status: int, tmp_path: Path) -> None:
    with attached(
        [sys.executable, "-c", f"print('hello', flush=True); {code}"], tmp_path / "log", os.environ
    ) as server:
        assert server.wait(30) == status
    assert (tmp_path / "log").read_text() == "hello\n"
