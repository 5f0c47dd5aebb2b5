"""The folder of a report, which may come from a stranger: links in it are neither followed nor written through."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ganbench.core.errors import GanbenchError

FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""Follow no link, and wait for no pipe: Windows has neither flag, and text files unless told otherwise."""


def read_file(path: Path) -> bytes:
    """Read a file that belongs to a report.

    Raises:
        GanbenchError: it is a link, or no file.
        OSError: it can't be read.
    """
    _refuse_link(path)
    # Opening a pipe would wait for its other end.
    with os.fdopen(os.open(path, FLAGS), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise GanbenchError(f"'{path}' is no file: a report consists of files; remove it")
        return file.read()


def files_in(folder: Path, pattern: str) -> list[Path]:
    """List the files of a report's subfolder, sorted.

    Raises:
        GanbenchError: the subfolder is a link.
    """
    _refuse_link(folder)
    return sorted(folder.glob(pattern))


def move_files(source: Path, folder: Path) -> None:
    """Move all files in `source` and its subfolders to a folder; each replaces the file or the link of its name.

    Raises:
        GanbenchError: a subfolder is a link.
    """
    for path in sorted(source.rglob("*")):
        target = folder / path.relative_to(source)
        if path.is_dir():
            target.mkdir(exist_ok=True)
            _refuse_link(target)
        else:
            path.replace(target)


def _refuse_link(path: Path) -> None:
    if path.is_symlink():
        raise GanbenchError(f"'{path}' is a link, which a report may not contain: remove it")
