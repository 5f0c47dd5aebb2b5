"""The choice of a thread wait policy: by the load from other processes, and never against an explicit setting."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ganbench.cli.console import threads
from ganbench.cli.console.threads import POLICIES, choose_waiting, cores_in_use


@pytest.fixture(autouse=True)
def _no_policy_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in POLICIES:
        monkeypatch.setenv(name, "")  # so that monkeypatch restores it afterwards
        monkeypatch.delenv(name)


def test_load_of_other_processes_is_measured() -> None:
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        assert cores_in_use(1.0) > 0.5
    finally:
        for other in others:
            other.kill()
            other.wait()


def test_own_work_does_not_count_as_load(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([1000, 1000 + os.sysconf("SC_CLK_TCK")])
    clock = iter([5.0, 6.0])
    monkeypatch.setattr(threads, "_busy_ticks", lambda: next(ticks))
    monkeypatch.setattr("time.process_time", lambda: next(clock))
    assert cores_in_use(0.01) == 0


@pytest.mark.parametrize(("busy_cores", "chosen"), [(0.0, {}), (1.0, {"OMP_WAIT_POLICY": "passive"})])
def test_threads_wait_passively_only_on_a_busy_machine(
    busy_cores: float, chosen: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "cores_in_use", lambda seconds: busy_cores)
    choose_waiting()
    assert {name: os.environ[name] for name in POLICIES if name in os.environ} == chosen


@pytest.mark.parametrize("name", POLICIES)
def test_explicit_policy_is_not_overridden(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "7")
    monkeypatch.setattr(threads, "cores_in_use", lambda seconds: pytest.fail("the load need not be measured"))
    choose_waiting()
    assert [os.environ.get(policy) for policy in POLICIES if policy in os.environ] == ["7"]
