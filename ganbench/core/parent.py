"""The end of a process whose parent is gone, even if the parent was killed, and whatever the process is doing."""

from __future__ import annotations

import faulthandler
import os
import threading
import time

POLL = 0.5
"""Seconds between two looks for the parent."""


def end_without_parent(parent: int, grace: float) -> None:
    """End this process `grace` seconds after its parent (a process id) is gone; write to its log where it was."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(POLL)
        # A thread in C ends the process, which needs nothing of the interpreter.
        faulthandler.dump_traceback_later(grace, exit=True)

    threading.Thread(target=watch, daemon=True).start()
