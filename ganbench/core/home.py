"""A home folder and a user name for processes without them, as in containers: MLflow and others need them."""

from __future__ import annotations

import getpass
import os
import stat
import tempfile
from pathlib import Path


def ensure_home() -> None:
    """Set $HOME to a private temporary folder, and $LOGNAME to the user's number, if they can't be found out."""
    user = os.geteuid()
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = str(_private_folder(f"ganbench-home-{user}"))
    try:
        getpass.getuser()
    except (KeyError, OSError):
        os.environ["LOGNAME"] = f"user-{user}"


def _private_folder(name: str) -> Path:
    """Return the temporary folder of that name if nobody else can use it, else one with another name."""
    folder = Path(tempfile.gettempdir()) / name
    folder.mkdir(mode=0o700, exist_ok=True)
    facts = folder.lstat()
    private = stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid() and not facts.st_mode & 0o077
    return folder if private else Path(tempfile.mkdtemp(prefix=name))
