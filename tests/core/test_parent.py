"""Processes end when their parent is gone, whatever they do."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

CHILD = """
import os, sys, time
from ganbench.core.parent import end_without_parent
end_without_parent(int(sys.argv[1]), 0.1)
print(os.getpid(), flush=True)
{work}
"""
PARENT = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())], stdout=subprocess.PIPE)
print(child.stdout.readline().decode(), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("work", ["time.sleep(60)", "while True: pass"])
def test_child_outlives_its_parent_for_a_grace_period_at_most(work: str) -> None:
    command = [sys.executable, "-c", PARENT, CHILD.format(work=work)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        time.sleep(1)
        assert exists(child), "its parent is still there"
        parent.kill()
    deadline = time.monotonic() + 10
    while exists(child):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def exists(process: int) -> bool:
    return subprocess.run(["kill", "-0", str(process)], stderr=subprocess.DEVNULL, check=False).returncode == 0
