"""Checkpoints: whole or refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ganbench.core.errors import GanbenchError
from ganbench.training.checkpoint import (
    checkpoint_paths,
    load_checkpoint,
    load_newest,
    older,
    remove_checkpoint,
    save_checkpoint,
)

TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([[1], [2]])}
RECORD = {"step": 7, "sums": {"x": [0.1, 1e-300]}, "diverged": {}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "deep" / "x.safetensors", TENSORS, RECORD)
    return tmp_path / "deep" / "x.safetensors"


def test_what_was_saved_is_read_back(path: Path) -> None:
    read = load_checkpoint(path)
    assert read.record == RECORD
    assert all(torch.equal(read.tensors[name], tensor) for name, tensor in TENSORS.items())
    assert [file.name for file in path.parent.iterdir()] == ["x.safetensors"]


def test_every_cut_and_every_changed_byte_is_refused(path: Path) -> None:
    whole = path.read_bytes()
    for length in (0, 5, 100, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(GanbenchError, match="truncated or altered"):
            load_checkpoint(path)
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        try:
            read = load_checkpoint(path)
        except GanbenchError:
            continue
        # Only white space between JSON's words could change unseen.
        assert read.record == RECORD, position
        assert all(torch.equal(read.tensors[name], tensor) for name, tensor in TENSORS.items()), position


def test_a_failed_write_leaves_the_old_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="No space"):
            save_checkpoint(path, TENSORS, RECORD | {"step": 8})
    assert load_checkpoint(path).record == RECORD
    assert [file.name for file in path.parent.iterdir()] == ["x.safetensors"]


def test_other_files_are_no_checkpoints(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("hello")
    for name in ("x", "missing", "."):
        with pytest.raises(GanbenchError, match="truncated or altered"):
            load_checkpoint(tmp_path / name)


def test_the_one_before_is_used_where_the_newest_is_broken_and_not_lost_by_the_next(path: Path) -> None:
    save_checkpoint(path, TENSORS, RECORD | {"step": 8})
    assert (load_newest(path).record["step"], load_newest(path).is_older) == (8, False)
    path.write_bytes(path.read_bytes()[:-1])
    found = load_newest(path)
    assert (found.record, found.is_older, found.path) == (RECORD, True, path)
    assert all(torch.equal(found.tensors[name], tensor) for name, tensor in TENSORS.items())
    save_checkpoint(path, TENSORS, RECORD | {"step": 9})
    path.unlink()
    assert load_newest(path).record == RECORD, "the broken one has not taken its place"
    older(path).write_bytes(b"broken")
    with pytest.raises(GanbenchError, match="truncated or altered"):
        load_newest(path)


def test_wherever_a_save_is_killed_a_whole_checkpoint_is_found(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_checkpoint(path, TENSORS, RECORD | {"step": 8})
    replace, left = Path.replace, 0

    def dying(self: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", dying)
    for actions, found in ((0, 8), (1, 8), (2, 9)):
        left = actions
        try:
            save_checkpoint(path, TENSORS, RECORD | {"step": 9})
        except KeyboardInterrupt:
            assert actions < 2
        assert checkpoint_paths(path.parent) == [path]
        assert load_newest(path).record["step"] == found
    remove_checkpoint(path)
    assert list(path.parent.iterdir()) == []
