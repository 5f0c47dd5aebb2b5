"""Addresses of stores: what is accepted, what is refused, and that nobody waits for a server that isn't there."""

from __future__ import annotations

import socket
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.tracking.address import without_password
from ganbench.tracking.reachable import check_reachable
from ganbench.tracking.spool import open_tracker
from ganbench.tracking.store import find_store

PASSWORD = "hunter2"
SECONDS = 5.0
"""The longest that a command may be silent if nobody answers, beside its start-up."""


@pytest.mark.parametrize(
    ("address", "database"),
    [
        ("x", "x/mlflow.db"),
        ("./s3://x", "s3:/x/mlflow.db"),
        ("./databricks", "databricks/mlflow.db"),
        ("./localhost:5000", "localhost:5000/mlflow.db"),
        ("sqlite:///my.db", "my.db"),
        ("sqlite:///a%3Fb%23c%25d/my.db", "a?b#c%d/my.db"),
        ("sqlite+pysqlite:///my.db", "my.db"),
        ("file:./mlruns", "mlruns/mlflow.db"),
    ],
)
def test_files_by_their_addresses(address: str, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = find_store(address)
    assert (store.local, store.database) == (True, tmp_path / database)
    assert find_store(f"file://localhost{tmp_path}/x") == find_store("x")
    assert find_store(store.uri) == store


@pytest.mark.parametrize(
    "address", ["http://host:5000", "https://host/path", "postgresql+psycopg://user@/name?host=/tmp"]
)
def test_servers_by_their_addresses(address: str) -> None:
    store = find_store(address)
    assert (store.local, store.uri, store.label) == (False, address, address)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("databricks", "is not a store"),
        ("databricks://profile", "is not a store"),
        ("s3://bucket/path", "is not a store: give a folder, sqlite:///FILE, http"),
        ("postgres://user:hunter2@host/name", "is not a store"),
        ("localhost:5000", "did you mean http://localhost:5000"),
        ("gpu1.example.org:80/", "did you mean http://gpu1"),
        ("sqlite:///:memory:", "would end with this process"),
        ("sqlite:///", "would end with this process"),
        ("sqlite://", "write sqlite:///PATH"),
        ("sqlite:////a?b/my.db", "%3F for ?"),
        ("file://host/path", "write file:///PATH"),
        ("file:///a#b", "%23 for #"),
        ("http:/host", "is not a URI"),
        ("http://", "is not a URI"),
        ("http://[::1", "is not a URI"),
        ("http://host:port", "is not a URI"),
        ("postgresql://user:hunter2#@host/name", "%23 for #"),
        ("mysql:name", "is not a URI"),
    ],
)
def test_addresses_of_no_store_are_refused(address: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    with pytest.raises(GanbenchError) as error:
        find_store(None)
    assert message in str(error.value)
    assert PASSWORD not in str(error.value)


@pytest.mark.parametrize(
    "address",
    [
        "http://user:hunter2@host:5000",
        "postgresql://user:hunter2@host/name",
        "postgresql://user:a@hunter2@host/name",
        "postgresql://user:a/hunter2#?@host/name",
        "postgresql://host/name?user=me&password=hunter2&connect_timeout=3",
    ],
)
def test_passwords_are_not_shown(address: str) -> None:
    shown = without_password(f"the store {address} can't be used")
    assert PASSWORD not in shown
    assert "***" in shown
    assert "host" in shown


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections, and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port that no longer accepts connections: as from a host behind a firewall, there is no answer at all."""
    with ExitStack() as sockets:
        server = sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port = int(server.getsockname()[1])
        for _ in range(3):
            client = sockets.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        yield port


def complain(address: str) -> str:
    """Return the message about a server, which must come in time and without its password."""
    start = time.monotonic()
    with pytest.raises(GanbenchError) as error:
        open_tracker(find_store(address), "e")
    assert time.monotonic() - start < SECONDS
    assert PASSWORD not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("scheme", ["http", "postgresql+psycopg", "mysql+pymysql"])
def test_nobody_waits_for_a_server_that_does_not_answer(scheme: str, full_port: int) -> None:
    message = complain(f"{scheme}://user:hunter2@127.0.0.1:{full_port}/name")
    assert f"nobody answers at 127.0.0.1:{full_port} (no answer within 3 s)" in message


@pytest.mark.parametrize("scheme", ["http", "postgresql+psycopg"])
def test_refused_connections_are_reported(scheme: str) -> None:
    assert "nobody answers at 127.0.0.1:1 (Connection refused)" in complain(f"{scheme}://user:hunter2@127.0.0.1:1/name")


def test_nobody_waits_for_a_database_that_is_silent(silent_port: int) -> None:
    pytest.importorskip("psycopg")
    assert "can't be used: " in complain(f"postgresql+psycopg://user:hunter2@127.0.0.1:{silent_port}/name")


def test_missing_drivers_are_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert "can't be used: " in complain(f"mysql+nosuchdriver://user:hunter2@127.0.0.1:{port}/name")


def test_a_host_that_only_a_proxy_reaches_is_left_to_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    check_reachable("http://host.invalid:5000")
    with pytest.raises(ConnectionError, match="nobody answers"):
        check_reachable("postgresql://host.invalid/name")


def test_commands_show_servers_without_their_passwords(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:hunter2@127.0.0.1:1")
    for command in ("run --dataset ring --steps 1", "compare", "report", "ui", "sync"):
        result = CliRunner().invoke(main, command.split())
        assert PASSWORD not in result.output + result.stderr, command


def test_spooled_addresses_are_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ganbench.tracking.spool import ADDRESS_FILE, tracked_statuses

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with pytest.raises(GanbenchError):
        tracked_statuses(find_store("http://user:hunter2@127.0.0.1:1"), "e")
    for path in tmp_path.rglob(ADDRESS_FILE):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
