"""Check of whether a server answers, within seconds: MLflow tries for minutes."""

from __future__ import annotations

import socket
import threading
import urllib.request
from urllib.parse import urlsplit

from ganbench.tracking.address import HTTP, scheme_of

TIMEOUT = 3.0
PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}


def check_reachable(uri: str) -> None:
    """Check that a server accepts connections.

    Raises:
        ConnectionError: nobody answers.
    """
    scheme, parts = scheme_of(uri), urlsplit(uri)
    host, port = parts.hostname, parts.port or PORTS[scheme]
    if not host or _through_proxy(scheme, host):
        return  # a socket file, or a host that only a proxy can reach
    outcome = [f"no answer within {TIMEOUT:.0f} s"]

    def call() -> None:
        try:
            socket.create_connection((host, port), TIMEOUT).close()
            outcome[0] = ""
        except TimeoutError:
            pass
        except OSError as error:
            outcome[0] = error.strerror or str(error)

    # In a thread, since looking up a name has no time limit.
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(TIMEOUT)
    if outcome[0]:
        raise ConnectionError(f"nobody answers at {host}:{port} ({outcome[0]}); is the server running?")


def _through_proxy(scheme: str, host: str) -> bool:
    proxies = urllib.request.getproxies()
    return scheme in HTTP and bool({scheme, "all"} & set(proxies)) and not urllib.request.proxy_bypass(host)
