"""Delivery to a server that becomes unavailable: nothing is lost or duplicated, and training never waits."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from ganbench.core.errors import GanbenchError
from ganbench.tracking import RunInfo, RunLog, Status
from ganbench.tracking import spool as spooling
from ganbench.tracking.journal import ENTRIES, Journal, journal_status
from ganbench.tracking.memory import MemoryRunLog, MemoryTracker
from ganbench.tracking.spool import Spool, deliver_all
from tests.conftest import PATIENCE

GROUP = RunInfo("g", "a group", {"loss": "minimax"}, {"commit": "abc"})
PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4)


def head(seed: int) -> RunInfo:
    return RunInfo(f"run-{seed}", "a run", {"seed": seed, "widths": [1, 2]}, {"seed": str(seed)})


class UnreliableServer(MemoryTracker):
    """A server that answers only while `here`, counts requests, and can become unavailable after some of them."""

    def __init__(self, here: bool = True) -> None:
        super().__init__()
        self.here = here
        self.requests = 0
        self.vanishes_after = 10**9

    def _request(self) -> None:
        self.requests += 1
        if not self.here or self.requests > self.vanishes_after:
            raise GanbenchError("the server does not answer")

    def status(self, run_id: str) -> Status | None:
        self._request()
        return super().status(run_id)

    def statuses(self) -> dict[str, Status]:
        self._request()
        return super().statuses()

    def open(self, run: RunInfo, group: RunInfo) -> MemoryRunLog:
        self._request()
        log, request = super().open(run, group), self._request

        class UnreliableLog:
            def __getattr__(self, name: str) -> object:
                request()
                return getattr(log, name)

        return UnreliableLog()  # type: ignore[return-value]  # stands in for the log, and may be unavailable


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spooling, "PAUSE", 0.02)
    monkeypatch.setattr(spooling, "DELIVERY_TIMEOUT", 0.3)


def write(log: RunLog, folder: Path) -> None:
    """Track one of everything."""
    (folder / "weights.bin").write_bytes(b"123")
    log.metrics(5, {"fid": 1.5, "kl": float("nan"), "large": float("inf")})
    log.image("samples", 5, PIXELS)
    log.figure("plot.png", Figure())
    log.tags({"events": "none"})
    log.file(folder / "weights.bin", "checkpoint")
    log.finish("finished", 5)


def contents(tracker: MemoryTracker) -> dict[str, object]:
    return {
        run_id: (
            log.head,
            log.state,
            {key: repr(value) for key, value in log.numbers.items()},
            {key: pixels.tolist() for key, pixels in log.images.items()},
            sorted(log.files),
            log.files.get("checkpoint/weights.bin"),
            log.words,
            log.ended_at,
        )
        for run_id, log in tracker.runs.items()
    }


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met in time"
        time.sleep(0.01)


def test_delivered_runs_equal_the_written_ones(tmp_path: Path) -> None:
    direct, server = MemoryTracker(), UnreliableServer()
    write(direct.open(head(0), GROUP), tmp_path)
    spool = Spool(server, tmp_path / "spool")
    write(spool.open(head(0), GROUP), tmp_path)
    assert spool.settle() == 0
    names = {path.name for path in (tmp_path / "spool").rglob("*") if path.is_file()}
    assert names <= {"run-0"}, "only a lock file is left"
    for log in server.runs.values():  # figures are delivered as files
        log.files = {name.removeprefix("/"): content for name, content in log.files.items()}
    assert contents(server) == contents(direct)


def test_unavailable_server_delays_nobody_and_loses_nothing(tmp_path: Path) -> None:
    server = UnreliableServer()
    spool = Spool(server, tmp_path / "spool")
    server.here = False
    start = time.monotonic()
    write(spool.open(head(0), GROUP), tmp_path)
    assert time.monotonic() - start < 1
    assert spool.status("run-0") == "finished", "the status is known locally before delivery"
    assert spool.status("run-1") is None
    assert spool.settle() == 1
    assert server.runs == {}
    server.here = True
    wait_until(lambda: server.runs.get("run-0", MemoryRunLog(GROUP)).state == "finished")
    assert spool.settle() == 0
    assert spool.status("run-0") == "finished"


@pytest.mark.parametrize("requests", range(2, 7))
def test_everything_arrives_once_after_any_server_failure(tmp_path: Path, requests: int) -> None:
    server = UnreliableServer()
    server.vanishes_after = requests
    spool = Spool(server, tmp_path / "spool")
    write(spool.open(head(0), GROUP), tmp_path)
    assert spool.settle() == 1
    server.vanishes_after = 10**9
    wait_until(lambda: spool.settle() == 0)
    direct = MemoryTracker()
    write(direct.open(head(0), GROUP), tmp_path)
    for log in server.runs.values():
        log.files = {name.removeprefix("/"): content for name, content in log.files.items()}
    assert contents(server) == contents(direct)


def test_next_process_delivers_the_journals_of_a_killed_one(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    journal = Journal(folder / "run-0")
    journal.begin(head(0), GROUP)
    write(journal, tmp_path)
    other = Journal(folder / "run-1")
    other.begin(head(1), GROUP)
    other.metrics(5, {"fid": 2.0})
    for abandoned in (journal, other):
        abandoned.release()  # as the operating system does when a process dies
    with (folder / "run-1" / ENTRIES).open("ab") as file:
        file.write(b'{"do": "metrics", "st')  # killed in the middle of a line
    server = UnreliableServer()
    assert deliver_all(folder, server) == 2
    assert {run_id: log.state for run_id, log in server.runs.items()} == {"run-0": "finished", "run-1": "running"}
    assert server.runs["run-1"].numbers == {("fid", 5): 2.0}
    assert deliver_all(folder, server) == 0, "journals must be delivered only once"


def test_incomplete_line_is_removed_before_more_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "run-0"
    journal = Journal(folder)
    journal.begin(head(0), GROUP)
    journal.release()
    with (folder / ENTRIES).open("ab") as file:
        file.write(b'{"do": "finish", "status": "fin')
    reopened = Journal(folder)
    reopened.metrics(1, {"fid": 1.0})
    lines = [json.loads(line)["do"] for line in (folder / ENTRIES).read_text().splitlines()]
    assert lines == ["open", "metrics"]
    assert journal_status(folder) == "running"


def test_journal_belongs_to_one_process_at_a_time(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "run-0")
    with pytest.raises(GanbenchError, match="another process"):
        Journal(tmp_path / "run-0", patience=0)
    journal.begin(head(0), GROUP)
    server = UnreliableServer()
    assert deliver_all(tmp_path, server) == 0, "a journal in use must be left alone"
    journal.release()
    assert deliver_all(tmp_path, server) == 1


def test_full_disk_leaves_no_incomplete_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "run-0")
    journal.begin(head(0), GROUP)

    def raise_disk_full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", raise_disk_full)
        with pytest.raises(OSError, match="No space"):
            journal.metrics(1, {"fid": 1.0})
    journal.metrics(1, {"fid": 1.0})
    lines = [json.loads(line)["do"] for line in (tmp_path / "run-0" / ENTRIES).read_text().splitlines()]
    assert lines == ["open", "metrics"]


def test_discarding_a_run_discards_its_journal(tmp_path: Path) -> None:
    server = UnreliableServer()
    spool = Spool(server, tmp_path / "spool")
    server.here = False
    write(spool.open(head(0), GROUP), tmp_path)
    server.here = True
    spool.discard("run-0")
    assert spool.settle() == 0
    assert spool.status("run-0") is None
