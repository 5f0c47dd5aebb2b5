"""The user's web browser, where there is one."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Callable

VARIABLES = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
"""Environment variables that promise a browser; editors set the last one on remote machines."""


def open_page(address: str) -> bool:
    """Open an address in the user's browser; return False where there is no display, or no browser."""
    has_display = sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in VARIABLES)
    return has_display and webbrowser.open(address)


def show_page(address: str, say: Callable[[str], None]) -> None:
    """Open an address in the user's browser, or say that it is left to the user."""
    if not open_page(address):
        say(f"There is no display here: open {address} in a browser.")
