"""The shared server: what it is started with, and that it works on PostgreSQL, where that is installed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.tracking import RunInfo
from ganbench.tracking.group_server import KEY, PASSWORD, USER, Plan, credentials, find_postgres, mlflow_command
from ganbench.tracking.mlflow.reading import read_runs
from ganbench.tracking.mlflow.tracker import MlflowTracker
from ganbench.tracking.store import find_store


def installed() -> bool:
    try:
        find_postgres()
    except GanbenchError:
        return False
    return all(importlib.util.find_spec(name) for name in ("psycopg", "flask_wtf"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_credentials_are_made_once_kept_from_others_and_taken_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (USER, PASSWORD):
        monkeypatch.delenv(name, raising=False)
    made = credentials(tmp_path)
    assert credentials(tmp_path) == made
    assert len(made[PASSWORD]) >= 20
    assert stat.S_IMODE((tmp_path / "credentials").stat().st_mode) == 0o600
    monkeypatch.setenv(PASSWORD, "with = signs")
    changed = credentials(tmp_path)
    assert changed == made | {PASSWORD: "with = signs"}
    monkeypatch.delenv(PASSWORD)
    assert credentials(tmp_path) == changed
    assert changed[KEY] == made[KEY], "or everybody would be logged out"


def test_others_reach_it_only_under_the_names_that_are_allowed(tmp_path: Path) -> None:
    command = mlflow_command(Plan(tmp_path, "0.0.0.0", 5001, ("gpu1.example.org",)), tmp_path, "postgresql://x")
    hosts = command[command.index("--allowed-hosts") + 1].split(",")
    assert {"gpu1.example.org:5001", "localhost:5001"} <= set(hosts)
    assert "*" not in hosts
    assert command[command.index("--app-name") + 1] == "basic-auth"
    assert command[command.index("--artifacts-destination") + 1] == str(tmp_path / "artifacts")


def test_the_page_of_a_store_says_that_it_needs_the_whole_of_mlflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def only_skinny(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("ganbench.tracking.ui.version", only_skinny)
    told = CliRunner().invoke(main, ["ui", "--store", str(tmp_path)])
    assert told.exit_code == 2
    assert "only mlflow-skinny is installed" in told.output


@pytest.mark.skipif(not installed(), reason="needs PostgreSQL and ganbench[server]")
def test_mistakes_are_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = CliRunner().invoke(main, ["server", "--folder", str(tmp_path / "file")])
    assert told.exit_code == 2
    assert "can't be used" in told.output
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        told = CliRunner().invoke(main, ["server", "--folder", str(tmp_path / "s"), "--port", port])
    assert told.exit_code == 2
    assert f"port {port} is taken" in told.output


@contextmanager
def running(folder: Path, port: int) -> Iterator[None]:
    command = [sys.executable, "-m", "ganbench", "server", "--folder", str(folder), "--port", str(port)]
    environment = {**os.environ, USER: "admin", PASSWORD: "a long enough password"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as it:
        assert it.stdout is not None
        told = ""
        while "Ctrl-C" not in told:
            line = it.stdout.readline()
            assert line, told
            told += line
        try:
            yield
        finally:
            it.send_signal(signal.SIGTERM)
            assert it.wait(30) == 0


@pytest.mark.skipif(not installed(), reason="needs PostgreSQL and ganbench[server]")
def test_it_asks_for_a_password_and_keeps_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(tempfile.mkdtemp(prefix="server-"))
    folder.chmod(0o755)  # PostgreSQL may have to run as another user
    port = free_port()
    store = find_store(f"http://127.0.0.1:{port}")
    search = urllib.request.Request(f"{store.uri}/api/2.0/mlflow/experiments/search", b"{}", method="POST")
    try:
        with running(folder, port):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(search, timeout=10)
            assert refused.value.code == 401
            refused.value.close()
            monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
            monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "a long enough password")
            log = MlflowTracker(store, "e").open(RunInfo("r", "run", {}, {"seed": "3"}), RunInfo("g", "group", {}))
            log.metrics(5, {"fid": 1.5})
            (folder / "weights.bin").write_bytes(b"123")
            log.file(folder / "weights.bin", "checkpoint")
            log.finish("finished", 5)
        with running(folder, port):
            (run,) = read_runs(store, "e", history=True)
            assert (run.seed, run.status, list(run.history)) == (3, "finished", [("fid", 5, 1.5)])
        assert list((folder / "artifacts").rglob("weights.bin")), "served, and kept in its folder"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
