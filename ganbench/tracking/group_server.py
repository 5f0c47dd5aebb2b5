"""Tracking server for a group of people: MLflow on PostgreSQL, artifacts served from a folder, users with passwords.

All data are in one folder, which is created at the first start. PostgreSQL listens on a socket that only this server
can open, never on the network.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from configparser import ConfigParser
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import filelock

from ganbench.core.errors import GanbenchError
from ganbench.tracking.attached import attached, end_leftovers
from ganbench.tracking.mlflow.connection import mlflow_uri
from ganbench.tracking.postgres import postgres
from ganbench.tracking.ui import await_health, interrupt_on_signals, taken

USER, PASSWORD, KEY = "GANBENCH_SERVER_USER", "GANBENCH_SERVER_PASSWORD", "GANBENCH_SERVER_KEY"
FOLDER = "_GANBENCH_FOLDER_OF_SERVER"
"""Variable by which the processes of a server are known."""
FOR_CLIENTS = ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
CREDENTIALS, AUTH, USERS = "credentials", "auth.ini", "users.db"
MLFLOW_LOG, POSTGRES_LOG = "mlflow.log", "postgres.log"
PRIVATE = (CREDENTIALS, AUTH, USERS, MLFLOW_LOG, POSTGRES_LOG)


@dataclass(frozen=True)
class Plan:
    """The server's configuration.

    Attributes:
        database: URI of an existing PostgreSQL database; if None, a PostgreSQL server is started.
        allowed_hosts: host names under which clients reach the server; MLflow rejects all others.
    """

    folder: Path
    host: str
    port: int
    allowed_hosts: tuple[str, ...] = ()
    database: str | None = None


def serve_group(plan: Plan, say: Callable[[str], None]) -> int:
    """Serve until Ctrl-C or SIGTERM, and say how clients connect.

    Raises:
        GanbenchError: there is no PostgreSQL or a package is missing, the folder can't be used, or the port is taken.
    """
    _check_packages()
    folder = plan.folder.resolve()
    with ExitStack() as stack:
        try:
            (folder / "artifacts").mkdir(parents=True, exist_ok=True)
            stack.enter_context(_alone(folder))
            stack.enter_context(_private_files(folder))
            login = credentials(folder)
            (folder / AUTH).write_text(auth_config(folder, login[USER]), encoding="utf-8")
        except OSError as error:
            raise GanbenchError(f"the folder '{folder}' can't be used ({error.strerror}): choose another") from error
        return _serve(plan, folder, login, say)


def _serve(plan: Plan, folder: Path, login: Mapping[str, str], say: Callable[[str], None]) -> int:
    if taken(plan.host, plan.port):
        raise GanbenchError(f"port {plan.port} is taken: choose another with --port")
    interrupt_on_signals()
    try:
        with _running(plan, folder, login) as server:
            all_interfaces = plan.host in ("0.0.0.0", "::")
            local_host = "127.0.0.1" if all_interfaces else plan.host
            await_health(server, f"http://{local_host}:{plan.port}/health", folder / MLFLOW_LOG)
            shown_host = (plan.allowed_hosts or (socket.gethostname(),))[0] if all_interfaces else plan.host
            address = f"http://{shown_host}:{plan.port}"
            say(f"MLflow: {address}  (user {login[USER]}, password in {folder / CREDENTIALS})")
            say("Others can use it like this:")
            say(f"  export MLFLOW_TRACKING_URI={address} MLFLOW_TRACKING_USERNAME={login[USER]}")
            say("  export MLFLOW_TRACKING_PASSWORD=…\n  ganbench sweep FILE.toml")
            say("Ctrl-C stops it.")
            return server.wait()
    except KeyboardInterrupt:
        return 0


def credentials(folder: Path) -> dict[str, str]:
    """Return the administrator's name and password, and the session key.

    They come from the environment, else they are generated once and stored.
    """
    path = folder / CREDENTIALS
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    stored = dict(line.split("=", 1) for line in lines if "=" in line)
    login = {
        USER: os.environ.get(USER) or stored.get(USER) or "admin",
        PASSWORD: os.environ.get(PASSWORD) or stored.get(PASSWORD) or secrets.token_urlsafe(18),
        KEY: stored.get(KEY) or secrets.token_urlsafe(32),
    }
    if login != stored:
        # Created unreadable for others before anything is written to it.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write("".join(f"{name}={value}\n" for name, value in login.items()))
    return login


def mlflow_command(plan: Plan, folder: Path) -> list[str]:
    """Return the command that starts MLflow's server; every user can read it, so it has no password."""
    hosts = dict.fromkeys((plan.host, socket.gethostname(), "localhost", "127.0.0.1", *plan.allowed_hosts))
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1"]
    command += [
        "--artifacts-destination",
        (folder / "artifacts").as_uri(),
        "--serve-artifacts",
        "--app-name",
        "basic-auth",
    ]
    command += ["--host", plan.host, "--port", str(plan.port)]
    return [*command, "--allowed-hosts", ",".join(f"{name}:{plan.port}" for name in hosts)]


def mlflow_environment(folder: Path, database: str, login: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of MLflow's server, which nobody else can read."""
    return {
        "MLFLOW_BACKEND_STORE_URI": database,
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / AUTH),
        "MLFLOW_AUTH_ADMIN_USERNAME": login[USER],
        "MLFLOW_AUTH_ADMIN_PASSWORD": login[PASSWORD],
        "MLFLOW_FLASK_SERVER_SECRET_KEY": login[KEY],
        # The job runner would double memory and start-up time, and runs nothing that we use.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def auth_config(folder: Path, administrator: str) -> str:
    """Return the configuration of MLflow's users, who are kept in a database in the server's folder."""
    # Members of a group write to each other's experiments. A password is checked only once a minute: a check takes a
    # tenth of a second by design, and a run makes dozens of requests.
    config = ConfigParser()
    config["mlflow"] = {
        "default_permission": "EDIT",
        "database_uri": _escaped(mlflow_uri(folder / USERS)),
        "admin_username": _escaped(administrator),
        "authorization_function": "mlflow.server.auth:authenticate_request_basic_auth",
        "auth_cache_ttl_seconds": "60",
    }
    text = StringIO()
    config.write(text)
    return text.getvalue()


def _escaped(text: str) -> str:
    return text.replace("%", "%%")  # which begins a reference in this file


def _check_packages() -> None:
    missing = [name for name in ("psycopg", "flask_wtf") if importlib.util.find_spec(name) is None]
    if missing:
        raise GanbenchError(f"the server needs the package {missing[0]}: pip install 'ganbench[server]'")


@contextmanager
def _running(plan: Plan, folder: Path, login: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run PostgreSQL, unless there is one, and MLflow."""
    environment = {name: value for name, value in os.environ.items() if name not in FOR_CLIENTS}
    environment[FOLDER] = str(folder)
    with ExitStack() as stack:
        database = plan.database
        if database is None:
            database = stack.enter_context(postgres(folder, folder / POSTGRES_LOG, environment))
        for_mlflow = mlflow_environment(folder, database, login)
        yield stack.enter_context(attached(mlflow_command(plan, folder), folder / MLFLOW_LOG, environment | for_mlflow))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other servers from the folder, and end what a killed one has left running."""
    try:
        with filelock.FileLock(folder / ".lock", timeout=0):
            end_leftovers(f"{FOLDER}={folder}")
            yield
    except filelock.Timeout as error:
        raise GanbenchError(
            f"another server is running on the folder '{folder}': stop it, or choose another"
        ) from error


@contextmanager
def _private_files(folder: Path) -> Iterator[None]:
    """Keep other users from the files of the server, those of an earlier version included."""
    for name in PRIVATE:
        with suppress(FileNotFoundError):
            (folder / name).chmod(0o600)
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)
