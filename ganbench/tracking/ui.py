"""MLflow page of a store, served by a lightweight MLflow server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ganbench.core.errors import GanbenchError
from ganbench.tracking.attached import attached
from ganbench.tracking.browser import show_page
from ganbench.tracking.mlflow.client import runs_page
from ganbench.tracking.mlflow.connection import connect, mlflow_uri
from ganbench.tracking.mlflow.snapshot import database_to_read
from ganbench.tracking.store import Store

START_TIMEOUT = 60.0


def serve(store: Store, experiment: str, host: str, port: int, say: Callable[[str], None]) -> int:
    """Serve until Ctrl-C, print the address and open it; for a store on a server, only print and open the address.

    Raises:
        GanbenchError: the store doesn't exist, the port is taken, or the server doesn't start.
    """
    if not store.local:
        _show(f"{store.label.rstrip('/')}{runs_page(store, experiment)}", say)
        return 0
    _check_mlflow()
    page = runs_page(store, experiment)
    if store.is_writable():
        connect(store)  # so that its pictures are found, if it was moved
    database = database_to_read(store)
    port = port or _free_port(host)
    if taken(host, port):
        raise GanbenchError(f"port {port} is taken: choose another with --port, or --port 0 for any that is free")
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", mlflow_uri(database), "--workers", "1"]
    command += ["--default-artifact-root", (store.folder / "artifacts").as_uri(), "--host", host, "--port", str(port)]
    shown_host = socket.gethostname() if host in ("0.0.0.0", "::") else host
    if host not in ("127.0.0.1", "localhost"):  # MLflow only accepts host names that it was given
        command += [
            "--allowed-hosts",
            ",".join(f"{name}:{port}" for name in (shown_host, host, "localhost", "127.0.0.1")),
        ]
    # The job runner would double memory and start-up time, and runs nothing that we use.
    light_server = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    interrupt_on_signals()
    log = database.with_name("server.log")
    log.unlink(missing_ok=True)
    try:
        with attached(command, log, {**os.environ, **light_server}) as server:
            await_health(server, f"http://{shown_host}:{port}/health", log)
            _show(f"http://{shown_host}:{port}{page}", say)
            say("Ctrl-C stops the server.")
            return server.wait()
    except KeyboardInterrupt:
        return 0


def _show(address: str, say: Callable[[str], None]) -> None:
    say(f"MLflow: {address}")
    show_page(address, say)


def interrupt_on_signals() -> None:
    """Turn SIGINT, SIGTERM and a closed terminal into KeyboardInterrupt, so that our servers never outlive us."""
    # Set explicitly: a shell may have started us with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    hang_up = getattr(signal, "SIGHUP", None)  # Windows has none
    if hang_up and signal.getsignal(hang_up) != signal.SIG_IGN:  # as under nohup
        signal.signal(hang_up, signal.default_int_handler)


def _check_mlflow() -> None:
    try:
        version("mlflow")
    except PackageNotFoundError as error:
        raise GanbenchError(
            "the MLflow page needs the package mlflow, and only mlflow-skinny is installed: `pip install mlflow`, or "
            "copy the store to a machine that has it; `ganbench compare` and `ganbench report` work without"
        ) from error


def await_health(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    """Wait until a server answers.

    Raises:
        GanbenchError: the server exits, or doesn't answer in time.
    """
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise GanbenchError(f"the MLflow server exited at once (exit status {server.returncode}): see {log}")
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise GanbenchError(f"the MLflow server did not answer within {START_TIMEOUT:.0f} s: see {log}")


def taken(host: str, port: int) -> bool:
    """Return whether a process is listening on this port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
