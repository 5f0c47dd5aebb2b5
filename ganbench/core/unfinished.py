"""Unfinished files: named after the process that writes them until they are whole, so that a later one removes them."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path


def unfinished_name() -> str:
    """Return the name of what this process is writing."""
    return f".part-{os.getpid()}"


def remove_unfinished(folder: Path) -> None:
    """Remove what killed processes left unfinished in a folder."""
    for path in folder.glob(".part-*"):
        process = re.fullmatch(r"\.part-([0-9]{1,9})(-.*)?", path.name)
        if process is None or _exists(int(process[1])):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # another user's
    return True
