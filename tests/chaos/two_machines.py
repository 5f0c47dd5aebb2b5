"""Two drivers, as on two machines, run the halves of one sweep at once through a server on PostgreSQL.

    python -m tests.chaos.two_machines

Needs PostgreSQL and `ganbench[server]`. Every run must exist once, with the numbers of a sweep into a local store.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import psycopg

from ganbench.tracking.mlflow.beside_scores import with_numbers_beside
from tests.chaos.common import (
    RUNS,
    TIMES,
    Numbers,
    differences,
    experiment_file,
    finish,
    report,
    runs_in,
    start,
    wait_for,
)


def main() -> int:
    base = Path(tempfile.mkdtemp(prefix="two-machines-"))
    base.chmod(0o755)  # PostgreSQL may have to run as another user
    try:
        return _sweep(base)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _sweep(base: Path) -> int:
    file = str(experiment_file(base))
    reference = base / "whole"
    reference.mkdir()
    assert finish(["sweep", file, "--store", "store"], reference) == 0, (reference / "output.txt").read_text()
    expected, _ = runs_in(reference / "store" / "mlflow.db")
    assert len(expected) == RUNS
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    before = set(Path("/tmp").glob("ganbench-*"))
    command = [sys.executable, "-m", "ganbench", "server", "--folder", str(base / "server"), "--port", str(port)]
    user = {"GANBENCH_SERVER_USER": "admin", "GANBENCH_SERVER_PASSWORD": "two machines, one server"}
    with (base / "server.txt").open("wb") as log:
        server = subprocess.Popen(command, env={**os.environ, **user}, stdout=log, stderr=log)
    try:
        server_log = base / "server.txt"
        assert wait_for(lambda: "Ctrl-C" in server_log.read_text(), 90), server_log.read_text()
        (sockets,) = set(Path("/tmp").glob("ganbench-*")) - before
        client = {
            "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}",
            "MLFLOW_TRACKING_USERNAME": "admin",
            "MLFLOW_TRACKING_PASSWORD": user["GANBENCH_SERVER_PASSWORD"],
        }
        drivers = []
        for name, half in (("one", "loss=minimax"), ("other", "loss=non-saturating|hinge")):
            home = base / name
            home.mkdir()
            drivers.append(start(["sweep", file, "--where", half], home, HOME=str(home), **client))
        statuses = [driver.wait() for driver in drivers]
        actual, faults = _runs_in(sockets)
    finally:
        server.send_signal(signal.SIGINT)
        server_status = server.wait()
    counts = Counter(faults)
    counts.update(differences(expected, actual))
    counts["sweeps that failed"] = sum(status != 0 for status in statuses)
    counts["server did not stop cleanly"] = int(server_status != 0)
    actions: dict[str, object] = {"drivers": 2, "runs": len(actual)}
    code = report("two machines, one server on PostgreSQL", actions, {name: counts[name] for name in counts})
    if code:
        for name in ("one", "other"):
            print((base / name / "output.txt").read_text()[-2000:])
    return code


def _runs_in(sockets: Path) -> tuple[Numbers, dict[str, int]]:
    """Read the server's database by SQL: its runs, and faults as in `common.runs_in`."""
    with psycopg.connect(host=str(sockets), user="postgres", dbname="mlflow") as store:
        tags: dict[str, dict[str, str]] = {}
        for run, key, value in store.execute("select run_uuid, key, value from tags where key like 'ganbench.%%'"):
            tags.setdefault(run, {})[key] = value
        states = store.execute("select status from runs where lifecycle_stage = 'active'").fetchall()
        rows = store.execute("select run_uuid, key, step, value from metrics").fetchall()
    seeds = {run: values["ganbench.run"] for run, values in tags.items() if values.get("ganbench.kind") == "seed"}
    runs: Numbers = {seeds[run]: (tags[run]["ganbench.status"], {}) for run in seeds}
    for run, key, step, value in rows:
        if run in seeds and key != TIMES:
            runs[seeds[run]][1][key, step] = value
    for run, run_id in seeds.items():
        beside = with_numbers_beside([], tags[run], history=True)
        runs[run_id][1].update({(key, step): value for key, step, value in beside})
    row_counts = Counter((run, key, step) for run, key, step, _ in rows)
    return runs, {
        "duplicate runs": len(seeds) - len(set(seeds.values())),
        "duplicate numbers": sum(count > 1 for count in row_counts.values()),
        "left RUNNING": sum(state == "RUNNING" for (state,) in states),
    }


if __name__ == "__main__":
    sys.exit(main())
