"""The cache of results that runs share leaves nothing else in its folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ganbench.evaluation.cache import DiskCache


def test_unfinished_files_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left_by_a_killed_process, of_another_process = tmp_path / ".part-old", tmp_path / ".part-new"
    for path in (left_by_a_killed_process, of_another_process):
        path.touch()
    os.utime(left_by_a_killed_process, (0, 0))

    def raise_disk_full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", raise_disk_full)
    assert DiskCache(tmp_path).numbers({"a": 1}, lambda: {"x": 1.0}) == {"x": 1.0}
    assert list(tmp_path.iterdir()) == [of_another_process]
