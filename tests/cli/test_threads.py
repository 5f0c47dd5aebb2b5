"""How threads wait is chosen by what others do on the machine, and never against what somebody has set."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ganbench.cli.console import threads
from ganbench.cli.console.threads import POLICIES, choose_waiting, cores_in_use


@pytest.fixture(autouse=True)
def _nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in POLICIES:
        monkeypatch.setenv(name, "")  # so that it is put back afterwards
        monkeypatch.delenv(name)


def test_a_busy_machine_is_seen() -> None:
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        assert cores_in_use(1.0) > 0.5
    finally:
        for other in others:
            other.kill()
            other.wait()


def test_what_this_process_does_itself_is_not_others_work(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([1000, 1000 + os.sysconf("SC_CLK_TCK")])
    clock = iter([5.0, 6.0])
    monkeypatch.setattr(threads, "_busy_ticks", lambda: next(ticks))
    monkeypatch.setattr("time.process_time", lambda: next(clock))
    assert cores_in_use(0.01) == 0


@pytest.mark.parametrize(("cores", "chosen"), [(0.0, {}), (1.0, {"OMP_WAIT_POLICY": "passive"})])
def test_threads_spin_on_a_quiet_machine_alone(
    cores: float, chosen: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "cores_in_use", lambda seconds: cores)
    choose_waiting()
    assert {name: os.environ[name] for name in POLICIES if name in os.environ} == chosen


@pytest.mark.parametrize("name", POLICIES)
def test_what_somebody_has_set_stays(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "7")
    monkeypatch.setattr(threads, "cores_in_use", lambda seconds: pytest.fail("there is nothing to find out"))
    choose_waiting()
    assert [os.environ.get(each) for each in POLICIES if each in os.environ] == ["7"]
