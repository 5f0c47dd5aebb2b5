"""Tracking server for a group of people: MLflow on PostgreSQL, artifacts served from a folder, users with passwords.

All data are in one folder, which is created at the first start. PostgreSQL listens on a socket that only this server
can open, never on the network.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from configparser import ConfigParser
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from ganbench.core.errors import GanbenchError
from ganbench.tracking.mlflow.connection import mlflow_uri
from ganbench.tracking.ui import await_health, end_group, interrupt_on_signals, taken

USER, PASSWORD, KEY = "GANBENCH_SERVER_USER", "GANBENCH_SERVER_PASSWORD", "GANBENCH_SERVER_KEY"
POSTGRES_USER = "postgres"
DATABASE = "mlflow"
START_TIMEOUT = 60.0
POSTGRES_ROOTS = ("/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt", "/usr/local/opt")


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
    folder = plan.folder.absolute()
    try:
        (folder / "artifacts").mkdir(parents=True, exist_ok=True)
        login = credentials(folder)
    except OSError as error:
        raise GanbenchError(f"the folder '{folder}' can't be used ({error.strerror}): choose another") from error
    if taken(plan.host, plan.port):
        raise GanbenchError(f"port {plan.port} is taken: choose another with --port")
    interrupt_on_signals()
    try:
        with _database(plan, folder) as database, _mlflow(plan, folder, database, login) as server:
            all_interfaces = plan.host in ("0.0.0.0", "::")
            local_host = "127.0.0.1" if all_interfaces else plan.host
            await_health(server, f"http://{local_host}:{plan.port}/health", folder / "mlflow.log")
            shown_host = (plan.allowed_hosts or (socket.gethostname(),))[0] if all_interfaces else plan.host
            address = f"http://{shown_host}:{plan.port}"
            say(f"MLflow: {address}  (user {login[USER]}, password in {folder / 'credentials'})")
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
    path = folder / "credentials"
    stored = dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line) if path.exists() else {}
    login = {
        USER: os.environ.get(USER) or stored.get(USER) or "admin",
        PASSWORD: os.environ.get(PASSWORD) or stored.get(PASSWORD) or secrets.token_urlsafe(18),
        KEY: stored.get(KEY) or secrets.token_urlsafe(32),
    }
    if login != stored:
        # Created unreadable for others before anything is written to it.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write("".join(f"{name}={value}\n" for name, value in login.items()))
    return login


def find_postgres() -> Path:
    """Return the folder with PostgreSQL's programs.

    Raises:
        GanbenchError: PostgreSQL isn't installed.
    """
    on_path = shutil.which("initdb")
    candidates = [Path(on_path).resolve().parent] if on_path else []
    for root in POSTGRES_ROOTS:
        candidates += sorted(Path(root).glob("*/bin"), reverse=True)
    for folder in candidates:
        if all((folder / name).exists() for name in ("initdb", "postgres", "createdb", "pg_isready")):
            return folder
    raise GanbenchError(
        "PostgreSQL is not installed: on Debian or Ubuntu `apt install postgresql`; or give the address of a running "
        "one with --database postgresql+psycopg://user:password@host/database"
    )


def mlflow_command(plan: Plan, folder: Path, database: str) -> list[str]:
    """Return the command that starts MLflow's server."""
    hosts = dict.fromkeys((plan.host, socket.gethostname(), "localhost", "127.0.0.1", *plan.allowed_hosts))
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", database, "--workers", "1"]
    command += [
        "--artifacts-destination",
        (folder / "artifacts").as_uri(),
        "--serve-artifacts",
        "--app-name",
        "basic-auth",
    ]
    command += ["--host", plan.host, "--port", str(plan.port)]
    return [*command, "--allowed-hosts", ",".join(f"{name}:{plan.port}" for name in hosts)]


def auth_config(folder: Path, administrator: str) -> str:
    """Return the configuration of MLflow's users, who are kept in a database in the server's folder."""
    # Members of a group write to each other's experiments. A password is checked only once a minute: a check takes a
    # tenth of a second by design, and a run makes dozens of requests.
    config = ConfigParser()
    config["mlflow"] = {
        "default_permission": "EDIT",
        "database_uri": _escaped(mlflow_uri(folder / "users.db")),
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
def _mlflow(plan: Plan, folder: Path, database: str, login: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    config = folder / "auth.ini"
    config.write_text(auth_config(folder, login[USER]))
    environment = {
        **os.environ,
        "MLFLOW_AUTH_CONFIG_PATH": str(config),
        "MLFLOW_AUTH_ADMIN_USERNAME": login[USER],
        "MLFLOW_AUTH_ADMIN_PASSWORD": login[PASSWORD],
        "MLFLOW_FLASK_SERVER_SECRET_KEY": login[KEY],
        # The job runner would double memory and start-up time, and runs nothing that we use.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        environment.pop(name, None)  # these are for clients; this is the server
    with (folder / "mlflow.log").open("ab") as log:
        server = subprocess.Popen(
            mlflow_command(plan, folder, database), env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield server
    finally:
        with suppress(ProcessLookupError):
            end_group(server)  # MLflow's server has child processes of its own
        server.wait()


@contextmanager
def _database(plan: Plan, folder: Path) -> Iterator[str]:
    if plan.database is not None:
        yield plan.database
        return
    programs, data = find_postgres(), folder / "postgres"
    owner = _owner(folder, data)
    # A socket's path may have at most 107 characters, and the path of the server's folder may be longer.
    sockets = Path(tempfile.mkdtemp(prefix="ganbench-", dir="/tmp"))
    if owner is not None:
        shutil.chown(sockets, owner)
    try:
        if not (data / "PG_VERSION").exists():
            initdb = ["initdb", "-D", str(data), "-U", POSTGRES_USER, "--auth=trust", "--encoding=UTF8", "--locale=C"]
            _run(programs, initdb, owner, folder)
        log = (folder / "postgres.log").open("ab")
        command = [str(programs / "postgres"), "-D", str(data), "-k", str(sockets), "-c", "listen_addresses="]
        server = subprocess.Popen(command, stdout=log, stderr=log, user=owner, cwd="/", start_new_session=True)
        log.close()
        try:
            _await_postgres(programs, sockets, server, folder / "postgres.log")
            probe = ["psql", "-h", str(sockets), "-U", POSTGRES_USER, "-d", DATABASE, "-c", "select 1"]
            if subprocess.run([str(programs / probe[0]), *probe[1:]], capture_output=True, check=False).returncode:
                _run(programs, ["createdb", "-h", str(sockets), "-U", POSTGRES_USER, DATABASE], owner, folder)
            yield f"postgresql+psycopg://{POSTGRES_USER}@/{DATABASE}?host={sockets}"
        finally:
            server.send_signal(signal.SIGINT)  # “fast shutdown”: connections are cut, nothing is lost
            server.wait()
    finally:
        shutil.rmtree(sockets, ignore_errors=True)


def _owner(folder: Path, data: Path) -> str | None:
    """Return the user PostgreSQL must run as, since it refuses to run as root; None for the current user."""
    if os.getuid() != 0:
        return None
    import pwd  # not on Windows, where there is no root either

    try:
        pwd.getpwnam(POSTGRES_USER)
    except KeyError as error:
        raise GanbenchError(
            f"PostgreSQL can't run as root, and there is no user '{POSTGRES_USER}': start it as another user"
        ) from error
    data.mkdir(exist_ok=True, mode=0o700)
    shutil.chown(data, POSTGRES_USER)
    access_test = ["test", "-w", str(data)]
    if subprocess.run(access_test, user=POSTGRES_USER, cwd="/", check=False).returncode != 0:
        raise GanbenchError(f"the user '{POSTGRES_USER}' can't access '{folder}': choose another with --folder")
    return POSTGRES_USER


def _run(programs: Path, command: list[str], owner: str | None, folder: Path) -> None:
    done = subprocess.run(
        [str(programs / command[0]), *command[1:]], user=owner, cwd="/", capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last_line = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise GanbenchError(f"{command[0]} failed in '{folder}': {' '.join(last_line)}")


def _await_postgres(programs: Path, sockets: Path, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise GanbenchError(f"PostgreSQL exited at once (exit status {server.returncode}): see {log}")
        ready = subprocess.run([str(programs / "pg_isready"), "-h", str(sockets)], capture_output=True, check=False)
        if ready.returncode == 0:
            return
        time.sleep(0.2)
    raise GanbenchError(f"PostgreSQL did not answer within {START_TIMEOUT:.0f} s: see {log}")
