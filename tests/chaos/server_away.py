"""The tracking server goes away in the middle of a sweep: for a while, and for ever.

    python -m tests.chaos.server_away [--away 60]

For a while: the sweep must train on, and nothing may be lost or doubled when the server is back. For ever: the sweep
must end with a message, keep its results, and `ganbench sync` must deliver them to the next server, once.
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
    """An MLflow server on SQLite, on a port of its own."""

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
        light = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        with (self.folder / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, **light}, start_new_session=True
            )
        assert wait_for(self._answers, 60), "the server does not start"

    def vanish(self) -> None:
        """SIGKILL, as a machine that is switched off."""
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
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        file = str(experiment_file(folder))
        whole = folder / "whole"
        whole.mkdir()
        assert finish(["sweep", file, "--store", "store"], whole) == 0, (whole / "output.txt").read_text()
        expected, _ = runs_in(whole / "store" / "mlflow.db")
        assert len(expected) == RUNS
        return _for_a_while(folder, file, expected, away) | _for_ever(folder, file, expected)


def _for_a_while(folder: Path, file: str, expected: Numbers, away: float) -> int:
    server = Server(folder / "server-1")
    server.start()
    place = folder / "while"
    place.mkdir()
    driver = start(["sweep", file, "--store", server.uri], place)
    time.sleep(9)
    server.vanish()
    trained_before = _steps_told(place)
    time.sleep(away)
    trained_on = _steps_told(place) > trained_before or driver.poll() is not None
    server.start()
    status = driver.wait()
    delivered = finish(["sync"], place)
    again = finish(["sweep", file, "--store", server.uri], place)
    found, faults = runs_in(server.database)
    server.vanish()
    counts = Counter[str](faults)
    counts.update(differences(expected, found))
    counts["training stopped"] = int(not trained_on)
    counts["not delivered"] = int(delivered != 0 or again != 0)
    counts["temporary files"] = len(leftovers(place))
    did: dict[str, object] = {"seconds": away, "exit status of the sweep": status, "groups told of": _steps_told(place)}
    code = report("server away for a while", did, dict(counts))
    if code:
        print((place / "output.txt").read_text()[-3000:], leftovers(place))
    return code


def _for_ever(folder: Path, file: str, expected: Numbers) -> int:
    server = Server(folder / "server-2")
    server.start()
    place = folder / "ever"
    place.mkdir()
    driver = start(["sweep", file, "--store", server.uri], place)
    time.sleep(9)
    server.vanish()
    status = driver.wait()
    text = (place / "output.txt").read_text()
    without = finish(["sync"], place)
    server.start()
    first = finish(["sync"], place)
    second = finish(["sync"], place)
    again = finish(["sweep", file, "--store", server.uri], place)
    found, faults = runs_in(server.database)
    server.vanish()
    counts = Counter[str](faults)
    counts.update(differences(expected, found))
    counts["no message"] = int("ganbench sync" not in text or status != 1)
    counts["sync without a server says all is well"] = int(without == 0)
    counts["not delivered"] = int(first != 0 or second != 0 or again != 0)
    counts["temporary files"] = len(leftovers(place))
    code = report("server away for ever", {"exit status of the sweep": status}, dict(counts))
    if code:
        print((place / "output.txt").read_text()[-3000:], leftovers(place))
    return code


def _steps_told(place: Path) -> int:
    """How many groups the driver said were done."""
    return (place / "output.txt").read_text().count("groups done")


if __name__ == "__main__":
    sys.exit(main())
