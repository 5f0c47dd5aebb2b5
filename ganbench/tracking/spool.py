"""Spool for a tracking server that may become unreachable: everything is written to journals, then to the server.

Training never waits for the server. Journals that haven't been delivered when a run ends stay on disk; the next command
that writes to the same experiment delivers them, and so does `ganbench sync`.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ganbench.core.errors import GanbenchError
from ganbench.tracking.base import RunInfo, RunLog, Status, Tracker
from ganbench.tracking.journal import LOCKS, DamagedJournalError, Journal, journal_status
from ganbench.tracking.mlflow.client import read_statuses
from ganbench.tracking.mlflow.tracker import MlflowTracker
from ganbench.tracking.store import Store, find_store, state_folder

PAUSE = 2.0
"""Seconds between two attempts to reach a server that does not answer."""
DELIVERY_TIMEOUT = 30.0
"""Seconds to wait, at the end of a run, for a server that does not answer."""
ADDRESS_FILE = "where.json"
GROUP_PREFIX = "group-"
"""Prefix of the names of journals that record the end of a group."""


def open_tracker(store: Store, experiment: str) -> Tracker:
    """Return the tracker for a store: MLflow itself if the store is local, else MLflow behind a spool."""
    tracker = MlflowTracker(store, experiment)
    return tracker if store.local else Spool(tracker, _folder(store, experiment))


def tracked_statuses(store: Store, experiment: str) -> dict[str, Status]:
    """Return the status of every run by id, from the store and the journals; empty if there is no such experiment."""
    known = read_statuses(store, experiment)
    return known if store.local else known | _journal_statuses(_folder(store, experiment))


class Spool:
    """A tracker in front of another that may become unreachable."""

    def __init__(self, inner: Tracker, folder: Path) -> None:
        self._inner = inner
        self._folder = folder
        self._known = dict(inner.statuses())
        self._journals: dict[str, Journal] = {}
        self._lock = threading.RLock()
        self._wake_up = threading.Event()
        self._away_since: float | None = None
        self.trouble = ""
        """The last error from writing to the server; empty if there was none."""
        self._left_by_others = True
        threading.Thread(target=self._deliver_for_ever, daemon=True).start()

    def status(self, run_id: str) -> Status | None:
        from_journal = journal_status(self._folder / run_id)
        if from_journal is not None:
            return from_journal
        try:
            status = self._inner.status(run_id)
        except GanbenchError:
            return self._known.get(run_id)
        if status is not None:
            self._known[run_id] = status
        return status

    def statuses(self) -> dict[str, Status]:
        try:
            self._known |= self._inner.statuses()
        except GanbenchError as error:
            self.trouble = str(error)
        return self._known | _journal_statuses(self._folder)

    def open(self, run: RunInfo, group: RunInfo) -> RunLog:
        with self._lock:  # otherwise a journal just delivered could be removed meanwhile
            journal = self._journal(run.id)
            journal.begin(run, group)
        return journal

    def discard(self, run_id: str) -> None:
        self._inner.discard(run_id)
        self._known.pop(run_id, None)
        if (self._folder / run_id).exists():
            with self._lock:
                self._journal(run_id).remove()
                del self._journals[run_id]

    def close_group(self, group_id: str, status: Status) -> None:
        with self._lock:
            self._journal(f"{GROUP_PREFIX}{group_id}").close_group(group_id, status)

    def settle(self) -> int:
        self._wake_up.set()
        while left := self._undelivered():
            away_since = self._away_since
            if away_since is not None and time.monotonic() - away_since > DELIVERY_TIMEOUT:
                break
            time.sleep(0.05)
        return left

    def _undelivered(self) -> int:
        """Return the number of this process's runs that have not been delivered."""
        with self._lock:
            return sum(
                journal.complete and not name.startswith(GROUP_PREFIX) for name, journal in self._journals.items()
            )

    def _journal(self, name: str) -> Journal:
        with self._lock:
            if name not in self._journals:
                self._journals[name] = Journal(self._folder / name, on_entry=self._wake_up.set)
            return self._journals[name]

    def _deliver_for_ever(self) -> None:
        while True:
            self._wake_up.wait(PAUSE)
            self._wake_up.clear()
            try:
                self._deliver()
                self._away_since = None
            except GanbenchError as error:
                self.trouble = str(error)
                self._away_since = self._away_since or time.monotonic()
                time.sleep(PAUSE)

    def _deliver(self) -> None:
        with self._lock:
            # Groups end last.
            journals = sorted(self._journals.items(), key=lambda item: item[0].startswith(GROUP_PREFIX))
        for name, journal in journals:
            journal.deliver(self._inner)
            with self._lock:
                if journal.delivered:
                    journal.remove()
                    del self._journals[name]
        if self._left_by_others:
            deliver_all(self._folder, self._inner)
            self._left_by_others = False


def sync(chosen: str | None) -> Iterator[tuple[str, str, int, str]]:
    """Deliver the journals on this machine; yield server, experiment, number of delivered runs, and error for each.

    Args:
        chosen: the only store to deliver to; None for all.
    """
    for address_file in sorted((state_folder() / "spool").glob(f"*/{ADDRESS_FILE}")):
        address = json.loads(address_file.read_text(encoding="utf-8"))
        if chosen is not None and find_store(chosen).uri != address["store"]:
            continue
        delivered, trouble = 0, ""
        try:
            tracker = MlflowTracker(find_store(address["store"]), address["experiment"])
            delivered = deliver_all(address_file.parent, tracker)
        except GanbenchError as error:
            trouble = str(error)
        yield find_store(address["store"]).label, address["experiment"], delivered, trouble


def leftovers(store: Store, experiment: str) -> int:
    """Deliver the journals that processes left behind, with retries; return the number of runs that remain here."""
    if store.local:
        return 0
    folder = _folder(store, experiment)
    deadline = time.monotonic() + DELIVERY_TIMEOUT
    while True:
        with suppress(GanbenchError):  # journals that can't be delivered are counted below
            deliver_all(folder, MlflowTracker(store, experiment))
        left = sum(not journal.name.startswith(GROUP_PREFIX) for journal in _journals_in(folder))
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(PAUSE)


def not_delivered(count: int, store: Store) -> str:
    """Message about results that have not been delivered to the tracking server."""
    return (
        f"The tracking server {store.label} does not answer: the results of {count} run{'s' * (count > 1)} are kept in "
        f"{store.folder / 'spool'}. When it is back, `ganbench sync` delivers them."
    )


def deliver_all(spool_folder: Path, tracker: Tracker) -> int:
    """Deliver the journals that processes left behind, and return the number of runs delivered.

    Raises:
        DamagedJournalError: a journal is damaged; the others are delivered first.
        GanbenchError: the tracker doesn't answer.
    """
    delivered, trouble = 0, None
    for folder in sorted(_journals_in(spool_folder), key=_groups_last):
        try:
            delivered += _deliver(folder, tracker)
        except DamagedJournalError as error:
            trouble = error
    if trouble is not None:
        raise trouble
    return delivered


def _deliver(folder: Path, tracker: Tracker) -> bool:
    """Deliver a journal, and return whether it held a run; skip it if another process holds it."""
    try:
        journal = Journal(folder, patience=0)
    except GanbenchError:
        return False
    try:
        journal.deliver(tracker)
    except BaseException:
        journal.release()
        raise
    journal.remove()
    return not folder.name.startswith(GROUP_PREFIX)


def _folder(store: Store, experiment: str) -> Path:
    """Return the folder of the journals for an experiment on a server."""
    folder = store.folder / "spool" / hashlib.sha256(f"{store.uri} {experiment}".encode()).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ADDRESS_FILE).touch(mode=0o600)  # a URI may hold a password
    (folder / ADDRESS_FILE).write_text(json.dumps({"store": store.uri, "experiment": experiment}), encoding="utf-8")
    return folder


def _journal_statuses(folder: Path) -> dict[str, Status]:
    statuses = {journal.name: journal_status(journal) for journal in _journals_in(folder)}
    return {run_id: status for run_id, status in statuses.items() if status is not None}


def _journals_in(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir() and path.name != LOCKS]


def _groups_last(folder: Path) -> tuple[bool, str]:
    return folder.name.startswith(GROUP_PREFIX), folder.name
