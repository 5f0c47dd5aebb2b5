"""Refusal of stores that several machines would write through a network file system, which SQLite doesn't survive."""

from __future__ import annotations

import subprocess

from ganbench.core.errors import GanbenchError
from ganbench.tracking.store import Store

OWN_DISKS = {"ext2/ext3", "xfs", "btrfs", "zfs", "f2fs", "jfs", "bcachefs", "tmpfs", "ramfs", "overlayfs"}
"""File systems of one machine, as `stat` names them."""


def refuse_shared_disk(store: Store) -> None:
    """Check that a store is on a server, or on a disk of this machine alone.

    Raises:
        GanbenchError: it isn't.
    """
    if not store.local:
        return
    folder = next(path for path in (store.folder.absolute(), *store.folder.absolute().parents) if path.exists())
    command = ["stat", "--file-system", "--format=%T", "--", str(folder)]
    kind = subprocess.run(command, capture_output=True, encoding="utf-8", check=False).stdout.strip()
    if kind not in OWN_DISKS:
        raise GanbenchError(
            f"the store '{store.label}' is on a file system that several machines may share ({kind or 'unknown'}), "
            "where SQLite would lose runs: give --store the address of a server (ganbench server)"
        )
