"""Journal of the writes of one run, in order and on disk, so that they survive this process and an absent server.

All operations of a tracker are idempotent, so a journal is simply replayed from its start if it is unknown how much of
it was delivered.
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
from ganbench.tracking.base import RunInfo, RunLog, Status, Tracker

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

ENTRIES = "entries.jsonl"
LOCKS = ".locks"
OPERATIONS = ("open", "metrics", "image", "tags", "file", "finish", "close_group")
LOCK_TIMEOUT = 120.0
"""Seconds to wait for another process that is delivering the same journal."""


class DamagedJournalError(GanbenchError):
    """A journal contains something that ganbench didn't write."""


class Journal:
    """The journal of one run, or of the end of a group; also the `RunLog` that its run is written to.

    Only one process holds it at a time: the one that created this object, until the journal is delivered or the process
    ends.

    Args:
        patience: seconds to wait for a process that holds it.
        on_entry: called when there is something new to deliver.

    Raises:
        GanbenchError: another process holds it.
    """

    def __init__(
        self, folder: Path, *, patience: float = LOCK_TIMEOUT, on_entry: Callable[[], None] = lambda: None
    ) -> None:
        self.folder = folder
        self._on_entry = on_entry
        self.complete = False
        """True if no more entries will be added."""
        self._offset = 0
        self._delivered_to: RunLog | None = None
        # Outside the folder, which is removed after delivery: a waiting process must not lock a deleted file.
        locks = folder.parent / LOCKS
        locks.mkdir(parents=True, exist_ok=True)
        self._lock = filelock.FileLock(locks / folder.name, timeout=patience, thread_local=False)
        try:
            self._lock.acquire()
        except filelock.Timeout as error:
            raise GanbenchError(f"another process is using the run in '{folder}': wait for it, or stop it") from error
        folder.mkdir(exist_ok=True)
        _cut_torn_end(folder / ENTRIES)

    def begin(self, run: RunInfo, group: RunInfo) -> None:
        """Record that the run starts or is resumed."""
        self._add("open", run=asdict(run), group=asdict(group))

    def close_group(self, group_id: str, status: Status) -> None:
        """Record that a group ends."""
        self._add("close_group", group_id=group_id, status=status, last=True)

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        self._add("metrics", step=step, values=dict(values))

    def image(self, name: str, step: int, pixels: NDArray[np.uint8]) -> None:
        content = io.BytesIO()
        np.save(content, pixels, allow_pickle=False)
        self._add("image", name=name, step=step, file=self._store_file(f"{name}-{step}.npy", content.getvalue()))

    def figure(self, name: str, figure: Figure) -> None:
        content = io.BytesIO()
        figure.savefig(content, format=Path(name).suffix.removeprefix("."))
        self._add("file", file=self._store_file(name, content.getvalue()), folder="")

    def tags(self, values: Mapping[str, str]) -> None:
        self._add("tags", values=dict(values))

    def file(self, path: Path, folder: str) -> None:
        self._add("file", file=self._store_file(f"{folder}/{path.name}", path.read_bytes()), folder=folder)

    def finish(self, status: Status, step: int) -> None:
        self._add("finish", status=status, step=step, last=True)

    def deliver(self, tracker: Tracker) -> None:
        """Write the entries that haven't been delivered yet to the tracker.

        Raises:
            DamagedJournalError: the journal contains something that ganbench didn't write.
            GanbenchError: the tracker doesn't answer; entries delivered before stay delivered.
        """
        for entry, end in _entries(self.folder / ENTRIES, self._offset):
            try:
                self._write(entry, tracker)
            except (KeyError, TypeError, ValueError, AttributeError, FileNotFoundError) as error:
                raise _damaged(self.folder) from error
            self._offset = end

    @property
    def delivered(self) -> bool:
        """True if everything has been delivered and no more entries will be added."""
        return self.complete and self._offset == (self.folder / ENTRIES).stat().st_size

    def remove(self) -> None:
        """Delete the journal: it was delivered, or its run is to be repeated."""
        # The entries first: a folder without them is no longer a journal.
        (self.folder / ENTRIES).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.release()

    def release(self) -> None:
        """Release the journal to other processes."""
        self._lock.release()

    def _add(self, do: str, *, last: bool = False, **values: Any) -> None:
        self.complete = False
        line = json.dumps({"do": do, **values}).encode() + b"\n"
        path = self.folder / ENTRIES
        size_before = path.stat().st_size if path.exists() else 0
        try:
            with path.open("ab") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            os.truncate(path, size_before)  # a full disk: the next line must not follow a torn one
            raise
        self.complete = last
        self._on_entry()

    def _store_file(self, name: str, content: bytes) -> str:
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
            return  # a power cut lost the first line; the run will be resumed, and written again
        elif do == "image":
            pixels = np.load(self.folder / "files" / entry.pop("file"), allow_pickle=False)
            self._delivered_to.image(**entry, pixels=pixels)
        elif do == "file":
            self._delivered_to.file(self.folder / "files" / entry["file"], entry["folder"])
        else:
            getattr(self._delivered_to, do)(**entry)


def journal_status(folder: Path) -> Status | None:
    """Return the status of a journal's run, without holding the journal; None if it has none that can be read."""
    status: Status | None = None
    with suppress(GanbenchError, KeyError):
        for entry, _ in _entries(folder / ENTRIES, 0):
            status = entry["status"] if entry["do"] in ("finish", "close_group") else "running"
    return status


def _entries(path: Path, offset: int) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield the complete lines from an offset on, each with the offset of its end."""
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
                if not isinstance(entry, dict) or entry.get("do") not in OPERATIONS:
                    raise _damaged(path.parent)
                yield entry, offset
    except FileNotFoundError:
        return


def _damaged(folder: Path) -> DamagedJournalError:
    return DamagedJournalError(
        f"the results kept in '{folder}' are damaged: check them, and remove the folder if they are of no use"
    )


def _cut_torn_end(path: Path) -> None:
    """Remove the last line if a killed process left it unfinished."""
    if path.exists():
        os.truncate(path, path.read_bytes().rfind(b"\n") + 1)
