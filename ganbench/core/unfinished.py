"""Unfinished files: named after the process that writes them until they are whole, so that a later one removes them.

Several machines may write to one folder, so the name has the machine as well, and each removes its own.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ganbench.core.processes import is_running


def unfinished_name() -> str:
    """Return the name of what this process is writing."""
    return f"{_prefix()}{os.getpid()}"


def remove_unfinished(folder: Path) -> None:
    """Remove what killed processes of this machine left unfinished in a folder."""
    for path in folder.glob(".part-*"):
        process = re.fullmatch(rf"{re.escape(_prefix())}([0-9]{{1,9}})(-.*)?", path.name)
        if process is None or is_running(int(process[1])) is not False:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give the path to write a file to, which becomes `path` when it is whole; after an error, nothing has changed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_unfinished(path.parent)
    part = path.parent / f"{unfinished_name()}-{path.name}"
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _prefix() -> str:
    return f".part-{re.sub('[^A-Za-z0-9.]', '_', platform.node())}-"
