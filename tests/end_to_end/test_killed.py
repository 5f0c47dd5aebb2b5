"""Runs that are killed, repeated or run twice at once give the numbers of an uninterrupted one, or say why not."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.end_to_end.commands import (
    LONG,
    checkpoints,
    ganbench,
    kill,
    read_metrics,
    start_ganbench,
    tags,
    wait_for_evaluations,
)

pytestmark = pytest.mark.usefixtures("mnist")


class Killed(NamedTuple):
    """The store of a killed run, and the result of the same command while it was running."""

    store: Path
    second: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Killed:
    """A run that was killed soon, with the first checkpoint behind it."""
    store = tmp_path_factory.mktemp("killed")
    process = start_ganbench("run", *LONG, "--store", store)
    wait_for_evaluations(store, 2, process)
    process.send_signal(signal.SIGSTOP)  # or it may end before the second command has begun
    second = ganbench("run", *LONG, "--store", store)
    kill(process)
    return Killed(store, second)


@pytest.fixture
def store(killed: Killed, tmp_path: Path) -> Path:
    """A copy of the killed run's store, since nothing in it depends on where it is."""
    return shutil.copytree(killed.store, tmp_path / "copy")


def test_finished_run_is_not_repeated_unless_forced(uninterrupted: Path) -> None:
    before, changed = read_metrics(uninterrupted), (uninterrupted / "mlflow.db").stat().st_mtime
    result = ganbench("run", *LONG, "--store", uninterrupted)
    assert result.returncode == 0
    assert "seeds 0 and 1 are finished already and not trained again" in result.stdout
    assert result.stdout.count("of 10 digits") == 2, "the results must be shown again"
    shown = [Path(line.strip()) for line in result.stdout.splitlines() if line.endswith(".png")]
    assert len(shown) == 2
    assert all(path.exists() and path.with_suffix(".gif").exists() for path in shown)
    assert (uninterrupted / "mlflow.db").stat().st_mtime == changed
    result = ganbench("run", *LONG, "--store", uninterrupted, "--force")
    assert result.returncode == 0, result.stderr
    assert (uninterrupted / "mlflow.db").stat().st_mtime > changed
    assert read_metrics(uninterrupted) == before, "a repeated run must give the same numbers"


def test_killed_run_resumes_to_the_numbers_of_an_uninterrupted_one(uninterrupted: Path, store: Path) -> None:
    assert set(tags(store, "status")) == {"running"}
    process = start_ganbench("run", *LONG, "--store", store)
    wait_for_evaluations(store, 14, process)  # of two seeds
    kill(process)
    assert set(tags(store, "status")) == {"running"}
    result = ganbench("run", *LONG, "--store", store)
    assert result.returncode == 0, result.stderr
    assert "going on from step" in result.stdout
    assert read_metrics(store) == read_metrics(uninterrupted)
    assert checkpoints(store) == []
    assert list(store.rglob(".part-*")) == []
    assert set(tags(store, "status")) == {"finished"}


def test_corrupt_checkpoint_is_rejected_and_not_modified(store: Path) -> None:
    (checkpoint,) = checkpoints(store)
    content = checkpoint.read_bytes()[:-100]
    checkpoint.write_bytes(content)
    result = ganbench("run", *LONG, "--store", store)
    assert result.returncode == 2
    assert "truncated or altered" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert checkpoint.read_bytes() == content


def test_second_command_for_the_same_runs_is_rejected(killed: Killed) -> None:
    assert killed.second.returncode == 2
    assert "another process" in killed.second.stderr
