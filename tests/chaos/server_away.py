"""The tracking server becomes unavailable during a sweep: temporarily, and permanently.

    python -m tests.chaos.server_away [--away 60]

Temporarily: training must continue, and nothing may be lost or duplicated when the server is back. Permanently: the
sweep must end with a message and keep its results, and `ganbench sync` must deliver them to the next server once.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from pathlib import Path

from tests.chaos.common import (
    RUNS,
    Numbers,
    differences,
    experiment_file,
    finish,
    leftovers,
    report,
    runs_in,
    start,
    wait_for,
)


class Server:
    """An MLflow server on SQLite, on a free port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        self.database = folder / "mlflow.db"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--backend-store-uri", f"sqlite:///{self.database}", "--workers", "1"]
        command += ["--artifacts-destination", str(self.folder / "artifacts")]
        settings = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        with (self.folder / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, **settings}, start_new_session=True
            )
        assert wait_for(self._answers, 60), "the server did not start"

    def wait_for_numbers(self) -> None:
        """Wait until a sweep is under way, and has delivered something."""
        assert wait_for(lambda: any(numbers for _, numbers in runs_in(self.database)[0].values()), 120)

    def kill(self) -> None:
        """Send SIGKILL, as if the machine were switched off."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=1):
                return True
        except OSError:
            return False


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--away", type=float, default=60)
    away = options.parse_args().away
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base)
        file = str(experiment_file(folder))
        reference = folder / "whole"
        reference.mkdir()
        assert finish(["sweep", file, "--store", "store"], reference) == 0, (reference / "output.txt").read_text()
        expected, _ = runs_in(reference / "store" / "mlflow.db")
        assert len(expected) == RUNS
        return _temporarily(folder, file, expected, away) | _permanently(folder, file, expected)


def _temporarily(folder: Path, file: str, expected: Numbers, away: float) -> int:
    server = Server(folder / "server-1")
    server.start()
    work_folder = folder / "while"
    work_folder.mkdir()
    driver = start(["sweep", file, "--store", server.uri], work_folder)
    server.wait_for_numbers()
    server.kill()
    groups_before = _groups_reported(work_folder)
    time.sleep(away)
    continued = _groups_reported(work_folder) > groups_before or driver.poll() is not None
    server.start()
    status = driver.wait()
    sync_status = finish(["sync"], work_folder)
    sweep_status = finish(["sweep", file, "--store", server.uri], work_folder)
    actual, faults = runs_in(server.database)
    server.kill()
    counts = Counter[str](faults)
    counts.update(differences(expected, actual))
    counts["training stopped"] = int(not continued)
    counts["not delivered"] = int(sync_status != 0 or sweep_status != 0)
    counts["temporary files"] = len(leftovers(work_folder))
    actions: dict[str, object] = {
        "seconds": away,
        "exit status of the sweep": status,
        "groups reported": _groups_reported(work_folder),
    }
    code = report("server temporarily unavailable", actions, dict(counts))
    if code:
        print((work_folder / "output.txt").read_text()[-3000:], leftovers(work_folder))
    return code


def _permanently(folder: Path, file: str, expected: Numbers) -> int:
    server = Server(folder / "server-2")
    server.start()
    work_folder = folder / "ever"
    work_folder.mkdir()
    driver = start(["sweep", file, "--store", server.uri], work_folder)
    server.wait_for_numbers()
    server.kill()
    status = driver.wait()
    text = (work_folder / "output.txt").read_text()
    sync_without_server = finish(["sync"], work_folder)
    server.start()
    first_sync = finish(["sync"], work_folder)
    second_sync = finish(["sync"], work_folder)
    sweep_status = finish(["sweep", file, "--store", server.uri], work_folder)
    actual, faults = runs_in(server.database)
    server.kill()
    counts = Counter[str](faults)
    counts.update(differences(expected, actual))
    counts["no message"] = int("ganbench sync" not in text or status != 1)
    counts["sync without a server reports success"] = int(sync_without_server == 0)
    counts["not delivered"] = int(first_sync != 0 or second_sync != 0 or sweep_status != 0)
    counts["temporary files"] = len(leftovers(work_folder))
    code = report("server permanently unavailable", {"exit status of the sweep": status}, dict(counts))
    if code:
        print((work_folder / "output.txt").read_text()[-3000:], leftovers(work_folder))
    return code


def _groups_reported(work_folder: Path) -> int:
    """The number of times the driver reported finished groups."""
    return (work_folder / "output.txt").read_text().count("groups done")


if __name__ == "__main__":
    sys.exit(main())
