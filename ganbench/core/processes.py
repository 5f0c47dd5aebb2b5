"""Processes of this machine."""

from __future__ import annotations

import os


def is_running(process: int) -> bool | None:
    """True if there is a process with this id, anybody's; None on Windows, where asking would send it Ctrl-C."""
    if os.name == "nt":
        return None
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # another user's
    return True
