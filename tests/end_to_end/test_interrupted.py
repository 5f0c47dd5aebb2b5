"""Runs that are killed, stopped, repeated or run twice at once give an uninterrupted one's numbers, or say why not."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import Result

from tests.conftest import PATIENCE
from tests.end_to_end.commands import (
    ENVIRONMENT,
    SMALL,
    checkpoints,
    ganbench,
    kill,
    read_metrics,
    start_ganbench,
    tags,
    wait_for_evaluations,
)

pytestmark = pytest.mark.usefixtures("one_thread")

SLOW = '''
import os
import time
from ganbench.plugin import LOSSES, register
from ganbench.methods.losses.minimax import Minimax


@register(LOSSES, "slow")
class Slow(Minimax):
    """Minimax, with a pause at every step where one is asked for (nobody 2026, a test)."""

    def critic_loss(self, real, fake):
        time.sleep(float(os.environ.get("PAUSE", "0")))
        return super().critic_loss(real, fake)
'''
PAUSE = "0.01"
"""Seconds a step: a process that is to be interrupted must not end before."""


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options of a run with five evaluations; on points, since interruptions have nothing to do with the data."""
    plugin = tmp_path_factory.mktemp("plugin") / "slow.py"
    plugin.write_text(SLOW)
    method = ("--plugin", str(plugin), "--loss", "slow", "--dataset", "ring:points=2000")
    return [*SMALL, *method, "--seeds", "0-1", "--steps", "400", "--eval-every", "80"]


def start_slowly(*args: str | Path) -> subprocess.Popen[str]:
    """Start a command that pauses at every step, in a process of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ENVIRONMENT, "PAUSE", PAUSE)
        return start_ganbench(*args)


@pytest.fixture(scope="module")
def uninterrupted(one_thread: None, long: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a run that nothing interrupted, as the measure of those that something did."""
    store = tmp_path_factory.mktemp("whole")
    result = ganbench("run", *long, "--store", store)
    assert result.exit_code == 0, result.stderr
    return store


class Killed(NamedTuple):
    """The store of a killed run, and the result of the same command while it was running."""

    store: Path
    second: Result


@pytest.fixture(scope="module")
def killed(long: list[str], tmp_path_factory: pytest.TempPathFactory) -> Killed:
    """A run that was killed soon, with the first checkpoint behind it."""
    store = tmp_path_factory.mktemp("killed")
    process = start_slowly("run", *long, "--store", store)
    wait_for_evaluations(store, 2, process)
    process.send_signal(signal.SIGSTOP)  # or it may end before the second command has begun
    second = ganbench("run", *long, "--store", store)
    kill(process)
    return Killed(store, second)


@pytest.fixture
def store(killed: Killed, tmp_path: Path) -> Path:
    """A copy of the killed run's store, since nothing in it depends on where it is."""
    return shutil.copytree(killed.store, tmp_path / "copy")


def last_change(store: Path) -> float:
    """When the database was last written, or its log, which is part of it while this process has it open."""
    return max(path.stat().st_mtime for path in store.glob("mlflow.db*"))


def test_finished_run_is_not_repeated_unless_forced(long: list[str], uninterrupted: Path) -> None:
    before, changed = read_metrics(uninterrupted), last_change(uninterrupted)
    result = ganbench("run", *long, "--store", uninterrupted)
    assert result.exit_code == 0
    assert "seeds 0 and 1 are finished already and not trained again" in result.stdout
    assert result.stdout.count("8 modes appear") == 2, "the results must be shown again"
    shown = [Path(line.strip()) for line in result.stdout.splitlines() if line.endswith(".png")]
    assert len(shown) == 2
    assert all(path.exists() and path.with_suffix(".gif").exists() for path in shown)
    assert last_change(uninterrupted) == changed
    result = ganbench("run", *long, "--store", uninterrupted, "--force")
    assert result.exit_code == 0, result.stderr
    assert last_change(uninterrupted) > changed
    assert read_metrics(uninterrupted) == before, "a repeated run must give the same numbers"


def test_killed_run_resumes_to_the_numbers_of_an_uninterrupted_one(
    long: list[str], uninterrupted: Path, store: Path
) -> None:
    assert set(tags(store, "status")) == {"running"}
    process = start_slowly("run", *long, "--store", store)
    wait_for_evaluations(store, 6, process)  # of two seeds
    kill(process)
    assert set(tags(store, "status")) == {"running"}
    result = ganbench("run", *long, "--store", store)
    assert result.exit_code == 0, result.stderr
    assert "going on from step" in result.stdout
    assert read_metrics(store) == read_metrics(uninterrupted)
    assert checkpoints(store) == []
    assert list(store.rglob(".part-*")) == []
    assert set(tags(store, "status")) == {"finished"}


def test_corrupt_checkpoint_is_rejected_and_not_modified(long: list[str], store: Path) -> None:
    (checkpoint,) = checkpoints(store)
    content = checkpoint.read_bytes()[:-100]
    checkpoint.write_bytes(content)
    result = ganbench("run", *long, "--store", store)
    assert result.exit_code == 2
    assert "truncated or altered" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert checkpoint.read_bytes() == content


def test_second_command_for_the_same_runs_is_rejected(killed: Killed) -> None:
    assert killed.second.exit_code == 2
    assert "another process" in killed.second.stderr


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_run_keeps_its_metrics_and_resumes(
    long: list[str], uninterrupted: Path, tmp_path: Path, sent: signal.Signals, status: int
) -> None:
    process = start_slowly("run", *long, "--store", tmp_path)
    wait_for_evaluations(tmp_path, 4, process)
    process.send_signal(sent)
    output, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == status, error
    assert "stopped after step" in output
    assert "Traceback" not in error
    assert set(tags(tmp_path, "status")) == {"stopped"}
    assert len(checkpoints(tmp_path)) == 1
    measured, complete = read_metrics(tmp_path), read_metrics(uninterrupted)
    assert 0 < len(measured) < len(complete)
    assert measured.items() <= complete.items()
    result = ganbench("run", *long, "--store", tmp_path)
    assert result.exit_code == 0, result.stderr
    assert read_metrics(tmp_path) == complete
