"""PostgreSQL of the group server: found, set up in a folder, and started on a socket that only the server can open."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ganbench.core.errors import GanbenchError
from ganbench.tracking.attached import attached

USER = "postgres"
DATABASE = "mlflow"
START_TIMEOUT = 60.0
ROOTS = ("/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt", "/usr/local/opt")


def find_postgres() -> Path:
    """Return the folder with PostgreSQL's programs.

    Raises:
        GanbenchError: PostgreSQL isn't installed.
    """
    on_path = shutil.which("initdb")
    candidates = [Path(on_path).resolve().parent] if on_path else []
    for root in ROOTS:
        candidates += sorted(Path(root).glob("*/bin"), reverse=True)
    for folder in candidates:
        if all((folder / name).exists() for name in ("initdb", "postgres", "createdb", "pg_isready")):
            return folder
    raise GanbenchError(
        "PostgreSQL is not installed: on Debian or Ubuntu `apt install postgresql`; or give the address of a running "
        "one with --database postgresql+psycopg://user:password@host/database"
    )


@contextmanager
def postgres(folder: Path, log: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Run PostgreSQL with its data in `folder/postgres`; gives the URI of its database.

    Raises:
        GanbenchError: it isn't installed, can't use the folder, or doesn't start.
    """
    programs, data = find_postgres(), folder / "postgres"
    owner = _owner(folder, data)
    # A socket's path may have at most 107 characters, and the path of the server's folder may be longer.
    sockets = Path(tempfile.mkdtemp(prefix="ganbench-", dir="/tmp"))
    if owner is not None:
        shutil.chown(sockets, owner)
    try:
        if not (data / "PG_VERSION").exists():
            initdb = ["initdb", "-D", str(data), "-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C"]
            _run(programs, initdb, owner, folder)
        command = [str(programs / "postgres"), "-D", str(data), "-k", str(sockets), "-c", "listen_addresses="]
        # SIGINT is a “fast shutdown”: connections are cut, nothing is lost.
        with attached(command, log, environment, ended_by=signal.SIGINT, user=owner, folder="/") as server:
            _await_postgres(programs, sockets, server, log)
            probe = ["psql", "-h", str(sockets), "-U", USER, "-d", DATABASE, "-c", "select 1"]
            if subprocess.run([str(programs / probe[0]), *probe[1:]], capture_output=True, check=False).returncode:
                _run(programs, ["createdb", "-h", str(sockets), "-U", USER, DATABASE], owner, folder)
            yield f"postgresql+psycopg://{USER}@/{DATABASE}?host={sockets}"
    finally:
        shutil.rmtree(sockets, ignore_errors=True)


def _owner(folder: Path, data: Path) -> str | None:
    """Return the user PostgreSQL must run as, since it refuses to run as root; None for the current user."""
    if os.getuid() != 0:
        return None
    import pwd  # not on Windows, where there is no root either

    try:
        pwd.getpwnam(USER)
    except KeyError as error:
        raise GanbenchError(
            f"PostgreSQL can't run as root, and there is no user '{USER}': start it as another user"
        ) from error
    data.mkdir(exist_ok=True, mode=0o700)
    shutil.chown(data, USER)
    access_test = ["test", "-w", str(data)]
    if subprocess.run(access_test, user=USER, cwd="/", check=False).returncode != 0:
        raise GanbenchError(f"the user '{USER}' can't access '{folder}': choose another with --folder")
    return USER


def _run(programs: Path, command: list[str], owner: str | None, folder: Path) -> None:
    done = subprocess.run(
        [str(programs / command[0]), *command[1:]],
        user=owner,
        cwd="/",
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
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
