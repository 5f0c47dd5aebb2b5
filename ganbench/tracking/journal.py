"""What is to be written about one run, in order, on disk: so that it outlives this process and the server's absence.

Everything a tracker does may be done twice, so a journal is simply gone through again from its start if nobody knows
how far it got.
"""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock
import numpy as np

from ganbench.core.errors import GanbenchError
from ganbench.tracking import RunInfo, RunLog, Status, Tracker

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

ENTRIES = "entries.jsonl"
LOCKS = ".locks"
DOINGS = ("open", "metrics", "image", "tags", "file", "finish", "close_group")
PATIENCE = 120.0
"""Seconds to wait for another process that is just delivering the same journal."""


class DamagedJournalError(GanbenchError):
    """A journal holds what we didn't write."""


class Journal:
    """The journal of one run, or of the end of a group; also the `RunLog` that its run is written to.

    Only one process has it at a time: who made this object, until it is delivered or the process ends.

    Args:
        patience: seconds to wait for a process that has it.
        on_entry: called when there is something new to deliver.

    Raises:
        GanbenchError: another process has it.
    """

    def __init__(
        self, folder: Path, *, patience: float = PATIENCE, on_entry: Callable[[], None] = lambda: None
    ) -> None:
        self.folder = folder
        self._on_entry = on_entry
        self.complete = False
        """Whether no more will be added to it."""
        self._offset = 0
        self._delivered_to: RunLog | None = None
        # Beside the folder, which is removed when all is delivered: who waits must not get the lock of nothing.
        locks = folder.parent / LOCKS
        locks.mkdir(parents=True, exist_ok=True)
        self._lock = filelock.FileLock(locks / folder.name, timeout=patience, thread_local=False)
        try:
            self._lock.acquire()
        except filelock.Timeout as error:
            raise GanbenchError(f"another process is at the run of '{folder}'") from error
        folder.mkdir(exist_ok=True)
        _cut_torn_end(folder / ENTRIES)

    def begin(self, run: RunInfo, group: RunInfo) -> None:
        """The run begins, or is taken up again."""
        self._add("open", run=asdict(run), group=asdict(group))

    def close_group(self, group_id: str, status: Status) -> None:
        """A group ends."""
        self._add("close_group", group_id=group_id, status=status, last=True)

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        self._add("metrics", step=step, values=dict(values))

    def image(self, name: str, step: int, pixels: NDArray[np.uint8]) -> None:
        content = io.BytesIO()
        np.save(content, pixels, allow_pickle=False)
        self._add("image", name=name, step=step, file=self._keep(f"{name}-{step}.npy", content.getvalue()))

    def figure(self, name: str, figure: Figure) -> None:
        content = io.BytesIO()
        figure.savefig(content, format=Path(name).suffix.removeprefix("."))
        self._add("file", file=self._keep(name, content.getvalue()), folder="")

    def tags(self, values: Mapping[str, str]) -> None:
        self._add("tags", values=dict(values))

    def file(self, path: Path, folder: str) -> None:
        self._add("file", file=self._keep(f"{folder}/{path.name}", path.read_bytes()), folder=folder)

    def finish(self, status: Status, step: int) -> None:
        self._add("finish", status=status, step=step, last=True)

    def deliver(self, tracker: Tracker) -> None:
        """Write to the tracker what it hasn't got yet.

        Raises:
            DamagedJournalError: the journal holds what we didn't write.
        GanbenchError: the tracker doesn't answer; what was written stays written.
        """
        for entry, end in _entries(self.folder / ENTRIES, self._offset):
            try:
                self._write(entry, tracker)
            except (KeyError, TypeError, ValueError, AttributeError, FileNotFoundError) as error:
                raise _damaged(self.folder) from error
            self._offset = end

    @property
    def delivered(self) -> bool:
        """Whether nothing is left to deliver, and nothing more will come."""
        return self.complete and self._offset == (self.folder / ENTRIES).stat().st_size

    def remove(self) -> None:
        """Forget it: it was delivered, or its run is to be repeated."""
        # The entries first: a journal without them is nothing.
        (self.folder / ENTRIES).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.release()

    def release(self) -> None:
        """Leave it to others."""
        self._lock.release()

    def _add(self, do: str, *, last: bool = False, **values: Any) -> None:
        self.complete = False
        line = json.dumps({"do": do, **values}).encode() + b"\n"
        path = self.folder / ENTRIES
        before = path.stat().st_size if path.exists() else 0
        try:
            with path.open("ab") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            os.truncate(path, before)  # a full disk: no torn line may stay before the next one
            raise
        self.complete = last
        self._on_entry()

    def _keep(self, name: str, content: bytes) -> str:
        path = self.folder / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return name

    def _write(self, entry: dict[str, Any], tracker: Tracker) -> None:
        do = entry.pop("do")
        if do == "open":
            self._delivered_to = tracker.open(RunInfo(**entry["run"]), RunInfo(**entry["group"]))
        elif do == "close_group":
            tracker.close_group(**entry)
        elif self._delivered_to is None:
            return  # its first line was lost with a power cut; the run will be taken up again, and written again
        elif do == "image":
            pixels = np.load(self.folder / "files" / entry.pop("file"), allow_pickle=False)
            self._delivered_to.image(**entry, pixels=pixels)
        elif do == "file":
            self._delivered_to.file(self.folder / "files" / entry["file"], entry["folder"])
        else:
            getattr(self._delivered_to, do)(**entry)


def standing(folder: Path) -> Status | None:
    """How the run of a journal ended, without having the journal; None where it says nothing that can be read."""
    status: Status | None = None
    with suppress(GanbenchError, KeyError):
        for entry, _ in _entries(folder / ENTRIES, 0):
            status = entry["status"] if entry["do"] in ("finish", "close_group") else "running"
    return status


def _entries(path: Path, offset: int) -> Iterator[tuple[dict[str, Any], int]]:
    """The whole lines from an offset on, and where each ends."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                offset += len(line)
                try:
                    entry = json.loads(line)
                except ValueError as error:
                    raise _damaged(path.parent) from error
                if not isinstance(entry, dict) or entry.get("do") not in DOINGS:
                    raise _damaged(path.parent)
                yield entry, offset
    except FileNotFoundError:
        return


def _damaged(folder: Path) -> DamagedJournalError:
    return DamagedJournalError(f"what is kept in '{folder}' is damaged: look at it, and remove it if it is of no use")


def _cut_torn_end(path: Path) -> None:
    """Remove a last line that a killed process left unfinished."""
    if path.exists():
        os.truncate(path, path.read_bytes().rfind(b"\n") + 1)
