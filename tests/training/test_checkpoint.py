"""Checkpoints: read back intact or rejected."""

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


def test_checkpoint_is_read_back_as_saved(path: Path) -> None:
    checkpoint = load_checkpoint(path)
    assert checkpoint.record == RECORD
    assert all(torch.equal(checkpoint.tensors[name], tensor) for name, tensor in TENSORS.items())
    assert [file.name for file in path.parent.iterdir()] == ["x.safetensors"]


def test_truncated_or_changed_checkpoints_are_rejected(path: Path) -> None:
    intact = path.read_bytes()
    for length in (0, 5, 100, len(intact) - 1):
        path.write_bytes(intact[:length])
        with pytest.raises(GanbenchError, match="truncated or altered"):
            load_checkpoint(path)
    for position in range(len(intact)):
        path.write_bytes(intact[:position] + bytes([intact[position] ^ 1]) + intact[position + 1 :])
        try:
            checkpoint = load_checkpoint(path)
        except GanbenchError:
            continue
        # Only white space between JSON tokens may change unnoticed.
        assert checkpoint.record == RECORD, position
        assert all(torch.equal(checkpoint.tensors[name], tensor) for name, tensor in TENSORS.items()), position


def test_failed_write_keeps_the_previous_checkpoint(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def raise_disk_full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", raise_disk_full)
        with pytest.raises(OSError, match="No space"):
            save_checkpoint(path, TENSORS, RECORD | {"step": 8})
    assert load_checkpoint(path).record == RECORD
    assert [file.name for file in path.parent.iterdir()] == ["x.safetensors"]


def test_other_files_are_rejected(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("hello")
    for name in ("x", "missing", "."):
        with pytest.raises(GanbenchError, match="truncated or altered"):
            load_checkpoint(tmp_path / name)


def test_previous_checkpoint_is_used_if_the_newest_is_broken_and_survives_the_next_save(path: Path) -> None:
    save_checkpoint(path, TENSORS, RECORD | {"step": 8})
    assert (load_newest(path).record["step"], load_newest(path).is_older) == (8, False)
    path.write_bytes(path.read_bytes()[:-1])
    newest = load_newest(path)
    assert (newest.record, newest.is_older, newest.path) == (RECORD, True, path)
    assert all(torch.equal(newest.tensors[name], tensor) for name, tensor in TENSORS.items())
    save_checkpoint(path, TENSORS, RECORD | {"step": 9})
    path.unlink()
    assert load_newest(path).record == RECORD, "the broken checkpoint must not have replaced the previous one"
    older(path).write_bytes(b"broken")
    with pytest.raises(GanbenchError, match="truncated or altered"):
        load_newest(path)


def test_killed_save_always_leaves_an_intact_checkpoint(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_checkpoint(path, TENSORS, RECORD | {"step": 8})
    replace, remaining = Path.replace, 0

    def killed_replace(self: Path, target: Path) -> Path:
        nonlocal remaining
        remaining -= 1
        if remaining < 0:
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", killed_replace)
    for actions, expected_step in ((0, 8), (1, 8), (2, 9)):
        remaining = actions
        try:
            save_checkpoint(path, TENSORS, RECORD | {"step": 9})
        except KeyboardInterrupt:
            assert actions < 2
        assert checkpoint_paths(path.parent) == [path]
        assert load_newest(path).record["step"] == expected_step
    remove_checkpoint(path)
    assert list(path.parent.iterdir()) == []
