"""The user's web browser, where there is one."""

from __future__ import annotations

import os
import sys
import webbrowser

VARIABLES = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
"""Environment variables that promise a browser; editors set the last one on remote machines."""


def open_page(address: str) -> bool:
    """Open an address in the user's browser; return False where there is no display, or no browser."""
    has_display = sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in VARIABLES)
    return has_display and webbrowser.open(address)
