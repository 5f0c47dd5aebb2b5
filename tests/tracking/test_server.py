"""The group server: its credentials and command line, and runs on PostgreSQL, if that is installed."""

from __future__ import annotations

import configparser
import importlib.util
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from click.testing import CliRunner
from mlflow.utils.file_utils import local_file_uri_to_path
from sqlalchemy.engine import make_url

from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.tracking import RunInfo
from ganbench.tracking.group_server import (
    KEY,
    PASSWORD,
    USER,
    Plan,
    auth_config,
    credentials,
    mlflow_command,
    mlflow_environment,
)
from ganbench.tracking.mlflow.reading import read_runs
from ganbench.tracking.mlflow.tracker import MlflowTracker
from ganbench.tracking.postgres import find_postgres
from ganbench.tracking.store import find_store
from tests.conftest import PATIENCE

LOGIN = "a long enough password"


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


def test_credentials_are_created_once_private_and_overridden_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (USER, PASSWORD):
        monkeypatch.delenv(name, raising=False)
    created = credentials(tmp_path)
    assert credentials(tmp_path) == created
    assert len(created[PASSWORD]) >= 20
    assert stat.S_IMODE((tmp_path / "credentials").stat().st_mode) == 0o600
    monkeypatch.setenv(PASSWORD, "with = signs")
    changed = credentials(tmp_path)
    assert changed == created | {PASSWORD: "with = signs"}
    monkeypatch.delenv(PASSWORD)
    assert credentials(tmp_path) == changed
    assert changed[KEY] == created[KEY], "a new key would log everybody out"


def test_server_accepts_only_allowed_host_names(tmp_path: Path) -> None:
    command = mlflow_command(Plan(tmp_path, "0.0.0.0", 5001, ("gpu1.example.org",)), tmp_path)
    hosts = command[command.index("--allowed-hosts") + 1].split(",")
    assert {"gpu1.example.org:5001", "localhost:5001"} <= set(hosts)
    assert "*" not in hosts
    assert command[command.index("--app-name") + 1] == "basic-auth"
    assert command[command.index("--artifacts-destination") + 1] == (tmp_path / "artifacts").as_uri()


@pytest.mark.parametrize("name", ["plain", "-a #?%2F;:@'\"\nü~"])
def test_users_are_kept_in_a_folder_of_any_name(name: str, tmp_path: Path) -> None:
    config = configparser.ConfigParser()
    config.read_string(auth_config(tmp_path / name, "50 %(x)s"))
    assert config["mlflow"]["admin_username"] == "50 %(x)s"
    assert make_url(config["mlflow"]["database_uri"]).database == str(tmp_path / name / "users.db")
    command = mlflow_command(Plan(tmp_path, "127.0.0.1", 5001), tmp_path / name)
    artifacts = command[command.index("--artifacts-destination") + 1]
    assert local_file_uri_to_path(artifacts) == str(tmp_path / name / "artifacts")


def test_ui_command_explains_that_it_needs_full_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def only_skinny(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("ganbench.tracking.ui.version", only_skinny)
    result = CliRunner().invoke(main, ["ui", "--store", str(tmp_path)])
    assert result.exit_code == 2
    assert "only mlflow-skinny is installed" in result.output


@pytest.mark.skipif(not installed(), reason="needs PostgreSQL and ganbench[server]")
def test_unusable_folder_and_taken_port_are_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = CliRunner().invoke(main, ["server", "--folder", str(tmp_path / "file")])
    assert result.exit_code == 2
    assert "can't be used" in result.output
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        result = CliRunner().invoke(main, ["server", "--folder", str(tmp_path / "s"), "--port", port])
    assert result.exit_code == 2
    assert f"port {port} is taken" in result.output


@contextmanager
def running(folder: Path, port: int, *more: str, status: int = 0) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "ganbench", "server", "--folder", str(folder), "--port", str(port), *more]
    environment = {**os.environ, USER: "admin", PASSWORD: LOGIN}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        assert server.stdout is not None
        output = ""
        while "Ctrl-C" not in output:
            line = server.stdout.readline()
            assert line, output
            output += line
        try:
            yield server
        finally:
            server.send_signal(signal.SIGTERM)
            assert server.wait(PATIENCE) == status


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="server-"))
    folder.chmod(0o755)  # PostgreSQL may have to run as another user
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def started_by(server: int) -> list[int]:
    """The processes below another one."""
    output = subprocess.run(["pgrep", "-P", str(server)], capture_output=True, text=True, check=False).stdout
    children = [int(line) for line in output.split()]
    return children + [process for child in children for process in started_by(child)]


def wait_until_gone(processes: list[int]) -> None:
    deadline = time.monotonic() + PATIENCE
    while any(Path(f"/proc/{process}").exists() for process in processes):
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.skipif(not installed(), reason="needs PostgreSQL and ganbench[server]")
def test_server_requires_a_password_and_keeps_runs_over_a_kill_and_a_restart(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    store = find_store(f"http://127.0.0.1:{port}")
    search = urllib.request.Request(f"{store.uri}/api/2.0/mlflow/experiments/search", b"{}", method="POST")
    with running(folder, port, status=-signal.SIGKILL) as server:
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(search, timeout=PATIENCE)
        assert error.value.code == 401
        error.value.close()
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", LOGIN)
        log = MlflowTracker(store, "e").open(RunInfo("r", "run", {}, {"seed": "3"}), RunInfo("g", "group", {}))
        log.metrics(5, {"fid": 1.5})
        (folder / "weights.bin").write_bytes(b"123")
        log.file(folder / "weights.bin", "checkpoint")
        log.finish("finished", 5)
        started = started_by(server.pid)
        check_privacy(folder, started)
        other = CliRunner().invoke(main, ["server", "--folder", str(folder), "--port", str(free_port())])
        assert (other.exit_code, "another server is running" in other.output) == (2, True)
        for process in (
            server.pid,
            *started[:2],
        ):  # those in between as well, so that nothing ends PostgreSQL and MLflow
            os.kill(process, signal.SIGKILL)
        server.wait()
        assert sum(Path(f"/proc/{process}").exists() for process in started) > 2
    with running(folder, port):
        wait_until_gone(started)
        (run,) = read_runs(store, "e", history=True)
        assert (run.seed, run.status, list(run.history)) == (3, "finished", [("fid", 5, 1.5)])
    assert list((folder / "artifacts").rglob("weights.bin")), (
        "artifacts are served by the server and kept in its folder"
    )


def check_privacy(folder: Path, processes: list[int]) -> None:
    arguments = b"".join(Path(f"/proc/{process}/cmdline").read_bytes() for process in processes)
    assert b"postgres" in arguments
    assert LOGIN.encode() not in arguments
    private = ("users.db", "auth.ini", "mlflow.log", "postgres.log", "credentials")
    assert {name: stat.S_IMODE((folder / name).stat().st_mode) for name in private} == dict.fromkeys(private, 0o600)


def test_password_of_a_database_is_not_in_the_arguments_of_mlflow(tmp_path: Path) -> None:
    database = "postgresql+psycopg://user:secret@host/database"
    plan = Plan(tmp_path, "127.0.0.1", 5001, database=database)
    assert "secret" not in " ".join(mlflow_command(plan, tmp_path))
    login = {USER: "a", PASSWORD: "b", KEY: "c"}
    assert mlflow_environment(tmp_path, database, login)["MLFLOW_BACKEND_STORE_URI"] == database
