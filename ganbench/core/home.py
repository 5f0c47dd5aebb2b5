"""A home folder and a user name for processes without them, as in containers, since MLflow and others need them; and
the folders for a cache and for data in that home.
"""

from __future__ import annotations

import getpass
import os
import stat
import tempfile
from pathlib import Path


def ensure_home() -> None:
    """Set $HOME to a private temporary folder, and $LOGNAME to the user's number, if they can't be found out."""
    user = _user_number()
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = str(_private_folder(f"ganbench-home-{user}"))
    try:
        getpass.getuser()
    except (KeyError, OSError, ImportError):
        os.environ["LOGNAME"] = f"user-{user}"


def user_cache_folder() -> Path:
    """The folder for what can be computed again, in `$XDG_CACHE_HOME` or `~/.cache`; it need not exist."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ganbench"


def user_data_folder() -> Path:
    """The folder for what can't be computed again, in `$XDG_DATA_HOME` or `~/.local/share`; it need not exist."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "ganbench"


def _private_folder(name: str) -> Path:
    """Return the temporary folder of that name if nobody else can use it, else one with another name."""
    folder = Path(tempfile.gettempdir()) / name
    folder.mkdir(mode=0o700, exist_ok=True)
    facts = folder.lstat()
    private = stat.S_ISDIR(facts.st_mode) and facts.st_uid == _user_number() and not facts.st_mode & 0o077
    return folder if private else Path(tempfile.mkdtemp(prefix=name))


def _user_number() -> int:
    return os.geteuid() if hasattr(os, "geteuid") else 0  # as `stat` has it on Windows
