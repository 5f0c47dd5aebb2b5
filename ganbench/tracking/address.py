"""Addresses of stores as people write them: a folder, a database file, or a server."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from ganbench.core.errors import GanbenchError

DATABASE_FILE = "mlflow.db"
"""The database of a store that is given by its folder."""
FILES = {
    "file": r"file:(?://(?:localhost)?(?=/))?((?!//)[^?#]+)",
    "sqlite": r"sqlite(?:\+\w+)?:///([^?#]*)",
}
"""The URIs of files by scheme, with the path as their only group."""
HTTP = ("http", "https")
DATABASES = ("postgresql", "mysql", "mssql")
SUPPORTED = "a folder, sqlite:///FILE, http://HOST:PORT, or a database such as postgresql://USER@HOST/NAME"


def scheme_of(text: str) -> str:
    """Return the scheme of a URI without its driver, as in `postgresql`; empty for a folder.

    What begins with `/`, `.` or `~` is a folder, whatever else it contains.
    """
    match = re.match(r"([a-z][a-z\d.-]+)(?:\+\w+)?:(//)?", text, re.IGNORECASE)
    scheme = match[1].lower() if match else text if text == "databricks" else ""
    known = scheme in (*FILES, *HTTP, *DATABASES, "databricks")
    return scheme if known or (match and match[2]) else ""


def local_database(text: str) -> Path | None:
    """Return the database file that an address stands for, without symbolic links; None for a server.

    Raises:
        GanbenchError: no store can be there.
    """
    scheme = scheme_of(text)
    if scheme in (*HTTP, *DATABASES):
        _check_server(text, scheme)
        return None
    if scheme == "sqlite":
        path = _path(text, scheme)
        if path in ("", ":memory:"):
            raise GanbenchError(f"'{text}' is not a store: it would end with this process; give sqlite:///FILE")
        return _resolved(path)
    if scheme == "file":
        return _resolved(_path(text, scheme)) / DATABASE_FILE
    if scheme:
        raise GanbenchError(f"'{without_password(text)}' is not a store: give {SUPPORTED}")
    if re.fullmatch(r"[\w.-]+:\d+/?", text):
        raise GanbenchError(f"'{text}' is not a store: did you mean http://{text}? (A folder of that name is ./{text})")
    return _resolved(text) / DATABASE_FILE


def uri_of(database: Path) -> str:
    """Return the URI of a database file; `local_database` converts it back, whatever characters it contains."""
    return f"sqlite:///{quote(str(database))}"


def without_password(text: str) -> str:
    """Replace the password in a URI by `***`."""
    text = re.sub(r"(://[^:/?#]*):.*@", r"\1:***@", text, flags=re.DOTALL)
    return re.sub(r"([?&]\w*(?:password|passwd|pwd|token)=)[^&]*", r"\1***", text, flags=re.IGNORECASE)


def _check_server(text: str, scheme: str) -> None:
    try:
        parts = urlsplit(text)
        complete = bool(parts.hostname or scheme in DATABASES) and text[len(parts.scheme) :].startswith("://")
        _ = parts.port  # raises ValueError if it isn't a number
    except ValueError:
        complete = False
    if not complete:
        raise GanbenchError(
            f"'{without_password(text)}' is not a URI: give {SUPPORTED}; in a password, write %40 for @, %2F for /, "
            f"%3A for :, %23 for # and %3F for ?"
        )


def _path(text: str, scheme: str) -> str:
    """Return the path in the URI of a file."""
    match = re.fullmatch(FILES[scheme], text, re.IGNORECASE)
    if match is None:
        raise GanbenchError(
            f"'{text}' is no URI of a file: write {scheme}:///PATH, with %3F for ? and %23 for #, or only the path"
        )
    return unquote(match[1])


def _resolved(text: str) -> Path:
    """Return the real path, so that a store has one name only."""
    path = Path(text)
    with suppress(RuntimeError):  # there is no such user, so it is the name of a folder, as in a shell
        path = path.expanduser()
    try:
        text.encode()
        return path.resolve()
    except (UnicodeEncodeError, ValueError, OSError, RuntimeError) as error:
        raise GanbenchError(f"the folder {text!r} can't hold a store: its name must be text (UTF-8)") from error
