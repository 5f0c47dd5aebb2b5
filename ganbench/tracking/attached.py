"""Servers that end with this process, even if it is killed: a small process in between notices its end.

The one in between runs this very file. Its input ends when this process does, however that happens; then it ends the
server and everything that the server started.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

GRACE = 30.0
"""Seconds that a server has to end after it was asked to."""


@contextmanager
def attached(
    command: Sequence[str],
    log: Path,
    environment: Mapping[str, str],
    *,
    ended_by: signal.Signals = signal.SIGTERM,
    user: str | None = None,
    folder: str | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server within this context; its exit status is the process's.

    Args:
        log: file to which its output is appended.
        ended_by: the signal on which it ends.
        user: the user it runs as, if not this one.
        folder: the folder it runs in, if not this one.
    """
    between = [sys.executable, "-I", __file__, str(int(ended_by)), user or "", *command]
    with log.open("ab") as output:
        process = subprocess.Popen(
            between,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
    assert process.stdin is not None
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait()


def end_leftovers(mark: str) -> None:
    """End the processes that have this text (`NAME=value`) in their environment, where the system shows it.

    They are left if the process in between was killed as well.
    """
    for number in (signal.SIGINT, getattr(signal, "SIGKILL", signal.SIGINT)):
        for process in _marked(mark):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, number)
        deadline = time.monotonic() + GRACE
        while _marked(mark):
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)


def _marked(mark: str) -> list[int]:
    processes = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # it has ended, or is another user's
            if os.fsencode(mark) in environment.read_bytes().split(b"\0"):
                processes.append(int(environment.parent.name))
    return [process for process in processes if process != os.getpid()]


def _main(ended_by: int, user: str, *command: str) -> int:
    # Signals for all (a service manager's) reach the server as well: only its end ends this process.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # Windows lacks the last
            signal.signal(getattr(signal, name), lambda *_: None)
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, user=user or None, start_new_session=True)

    def end_with_input() -> None:
        while os.read(0, 1024):  # not sys.stdin, which Python could not close at its exit while a thread reads from it
            pass
        for signal_number in (ended_by, getattr(signal, "SIGKILL", ended_by)):
            with suppress(ProcessLookupError):
                _end(server, signal_number)
            time.sleep(GRACE)

    threading.Thread(target=end_with_input, daemon=True).start()
    status = server.wait()
    return status if status >= 0 else 128 - status


def _end(server: subprocess.Popen[bytes], signal_number: int) -> None:
    """Send a signal to a server and its child processes, where the system has process groups."""
    if hasattr(os, "killpg"):
        os.killpg(server.pid, signal_number)
    else:
        server.terminate()


if __name__ == "__main__":
    sys.exit(_main(int(sys.argv[1]), *sys.argv[2:]))
