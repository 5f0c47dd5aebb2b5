"""Provenance of a number: code version and machine."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from pathlib import Path

from ganbench.core.version import __version__

PACKAGE = Path(__file__).parents[1]


@cache
def code_version() -> str:
    """The git commit of this code, with `-dirty` after uncommitted changes; without git, the package's version."""
    # Asking for a tracked file avoids reporting the commit of a repository that merely contains the virtualenv.
    if _git("ls-files", "--error-unmatch", "__init__.py") is None:
        return __version__
    return _git("describe", "--always", "--dirty", "--exclude", "*", "--abbrev=10") or __version__


def _git(*arguments: str) -> str | None:
    try:
        command = ["git", "-C", str(PACKAGE), *arguments]
        done = subprocess.run(command, check=False, capture_output=True, encoding="utf-8", errors="replace", timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


@cache
def machine() -> str:
    """Host name, processor architecture and Python version."""
    return f"{platform.node()} ({platform.system()} {platform.machine()}, Python {platform.python_version()})"
