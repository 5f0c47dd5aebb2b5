"""A store can be moved, copied, linked and archived: nothing in it depends on where it is."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.results.loading import load_results
from ganbench.tracking import RunInfo
from ganbench.tracking.mlflow import reading
from ganbench.tracking.mlflow.client import find_run, read_statuses
from ganbench.tracking.mlflow.reading import read_images, read_runs
from ganbench.tracking.mlflow.tracker import MlflowTracker
from ganbench.tracking.store import Store, find_store

GROUP = RunInfo("group1", "a group", {"loss": "x"})
IN_USE = {Path("mlflow.db-wal"), Path("mlflow.db-shm")}
"""Files that SQLite removes when a store isn't used any more."""
NOBODY = 65534
"""A user without rights."""


def write(tracker: MlflowTracker, run: str, picture: int) -> None:
    log = tracker.open(RunInfo(run, run, {"loss": "x", "arch": "mlp"}, {"seed": "0"}), GROUP)
    log.metrics(5, {"fid": 1.5})
    log.image("samples", 5, np.full((8, 8), picture, np.uint8))
    log.finish("finished", 5)


def pictures(store: Store) -> dict[str, dict[int, bytes]]:
    return read_images(store, "e", "samples", ["0000000a", "0000000b"], 4)


def files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*")}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one run, moved from where it was made: to make one takes MLflow a second."""
    folder = tmp_path_factory.mktemp("template")
    write(MlflowTracker(find_store(str(folder / "made")), "e"), "0000000a", 1)
    return (folder / "made").rename(folder / "store")


@pytest.fixture
def original(template: Path, tmp_path: Path) -> Path:
    """A store in a folder of its own."""
    shutil.copytree(template, tmp_path / "original")
    MlflowTracker(find_store(str(tmp_path / "original")), "e")
    return tmp_path / "original"


@pytest.mark.parametrize("through", ["tables", "mlflow"])
def test_moved_store_keeps_its_pictures_and_writes_nothing_to_its_old_place(
    original: Path, through: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = find_store(str(original.rename(original.with_name("moved"))))
    assert set(pictures(store)) == {"0000000a"}, "before anything is written"
    tracker = MlflowTracker(store, "e")
    write(tracker, "0000000a", 2)
    write(tracker, "0000000b", 2)
    if through == "mlflow":
        monkeypatch.setattr(reading, "read_local_images", lambda *_: None)
    assert set(pictures(store)) == {"0000000a", "0000000b"}
    assert not original.exists()


def test_moved_store_keeps_pictures_of_an_experiment_that_was_renamed_in_mlflow(original: Path) -> None:
    tracker = MlflowTracker(find_store(str(original)), "e")
    tracker._client.rename_experiment(tracker._experiment, "renamed")
    store = find_store(str(original.rename(original.with_name("moved"))))
    for write_first in (False, True):
        if write_first:
            write(MlflowTracker(store, "renamed"), "0000000b", 2)
        assert "0000000a" in read_images(store, "renamed", "samples", ["0000000a"], 4)
    assert not original.exists()


def test_artifacts_that_were_never_in_the_store_are_left_where_they_are(original: Path, tmp_path: Path) -> None:
    """As those of an experiment that MLflow's own server created."""
    elsewhere = tmp_path / "elsewhere" / "artifacts" / "7"
    with closing(sqlite3.connect(original / "mlflow.db")) as database:
        (experiment,) = database.execute("select experiment_id from experiments where name = 'e'").fetchone()
        database.execute("update experiments set artifact_location = ? where name = 'e'", (elsewhere.as_uri(),))
        database.execute("delete from tags where value = '0000000a'")
        database.commit()
    store = find_store(str(original))
    write(MlflowTracker(store, "e"), "0000000b", 2)
    assert list(elsewhere.rglob("*.png"))
    assert set(pictures(store)) == {"0000000b"}
    with closing(sqlite3.connect(original / "mlflow.db")) as database:
        query = "select artifact_location from experiments where experiment_id = ?"
        assert database.execute(query, (experiment,)).fetchone() == (elsewhere.as_uri(),)


def test_copied_store_is_independent_of_the_original(original: Path) -> None:
    before = files(original)
    copy = find_store(str(shutil.copytree(original, original.with_name("copy"))))
    write(MlflowTracker(copy, "e"), "0000000b", 2)
    assert files(original) - IN_USE == before - IN_USE
    shutil.rmtree(original)
    assert set(pictures(copy)) == {"0000000a", "0000000b"}


def test_checkpoints_belong_to_the_store_wherever_it_is(original: Path) -> None:
    checkpoints = find_store(str(original)).checkpoints("e", "group1")
    checkpoints.mkdir(parents=True)
    moved = find_store(str(original.rename(original.with_name("moved"))))
    assert moved.checkpoints("e", "group1").is_dir()


@pytest.mark.parametrize("moved", [False, True])
def test_checkpoints_of_an_earlier_version_are_found(original: Path, moved: bool) -> None:
    """They were named by the store's path."""
    name = hashlib.sha256(f"sqlite:///{original}/mlflow.db e".encode()).hexdigest()[:12]
    (original / "checkpoints" / name / "group1").mkdir(parents=True)
    store = find_store(str(original.rename(original.with_name("moved")) if moved else original))
    MlflowTracker(store, "e")
    assert store.checkpoints("e", "group1").is_dir()


def test_report_says_which_pictures_are_missing(original: Path, tmp_path: Path) -> None:
    words = ["report", "--store", str(original), "--experiment", "e", "--out", str(tmp_path / "out")]
    complete = CliRunner().invoke(main, words)
    assert (complete.exit_code, complete.stderr) == (0, "")
    shutil.rmtree(original / "artifacts")
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0
    assert "no pictures of samples are left of 0000000a" in result.stderr


def test_two_names_of_a_store_have_one_lock(original: Path) -> None:
    link = original.with_name("link")
    link.symlink_to(original)
    (link.parent / "folder").symlink_to(link.parent)
    names = (str(link), str(link.parent / "folder" / "original"), f"sqlite:///{link}/mlflow.db", f"file://{link}")
    assert {find_store(name) for name in names} == {find_store(str(original))}


WITH_TWO_MOUNTS = """
import sys
import numpy as np, pytest
from ganbench.runs.run import BusyError, _exclusive_lock
from ganbench.tracking.mlflow.tracker import MlflowTracker
from ganbench.tracking.store import LOCK, find_store
from tests.tracking.test_moved_stores import GROUP, pictures, write
import filelock
stores = [find_store(name) for name in sys.argv[1:]]
assert stores[0] != stores[1], "no path says that they are one"
assert stores[0].database.samefile(stores[1].database)
for first, second in (stores, stores[::-1]):
    with filelock.FileLock(first.folder / LOCK), pytest.raises(filelock.Timeout):
        filelock.FileLock(second.folder / LOCK, timeout=0).acquire()
    with _exclusive_lock(first.checkpoints("e", "group1")), pytest.raises(BusyError):
        with _exclusive_lock(second.checkpoints("e", "group1")):
            pass
for store in stores:
    write(MlflowTracker(store, "e"), "0000000b", 2)
for store in stores:
    assert {run: len(steps) for run, steps in pictures(store).items()} == {"0000000a": 1, "0000000b": 1}
"""


def test_a_store_that_is_mounted_twice_has_one_lock_and_one_of_each_run(original: Path) -> None:
    """Locks are files in the store, held by device and inode: a bind mount has another real path."""
    second = original.with_name("mounted")
    second.mkdir()
    mounted = subprocess.run(
        ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" "$1"', original, second], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this user can't mount")
    script = 'mount --bind "$1" "$2" && exec "$0" -c "$3" "$1" "$2"'
    words = ["unshare", "--mount", "sh", "-c", script, sys.executable, str(original), str(second), WITH_TWO_MOUNTS]
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    with closing(sqlite3.connect(original / "mlflow.db")) as database:
        query = "select value, count(*) from tags where key = 'ganbench.run' group by value"
        assert dict(database.execute(query)) == {"0000000a": 1, "0000000b": 1, "group1": 1}
        for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
            for (uri,) in database.execute(f"select {column} from {table}"):
                assert uri.startswith(original.as_uri()), "artifacts are named by their first path as long as it exists"


def open_at_once(folder: str, barrier: multiprocessing.synchronize.Barrier) -> None:
    tracker = MlflowTracker(find_store(folder), "e")
    barrier.wait()
    for number in range(3):
        tracker.open(RunInfo(f"new{number}", "new", {}, {"seed": "0"}), RunInfo("group2", "group", {}))


def test_processes_that_open_one_run_at_once_create_it_once(original: Path) -> None:
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(4)
    processes = [context.Process(target=open_at_once, args=(str(original), barrier)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    with closing(sqlite3.connect(original / "mlflow.db")) as database:
        query = "select value, count(*) from tags where key = 'ganbench.run' and value like ? group by value"
        assert dict(database.execute(query, ("new%",))) == {f"new{number}": 1 for number in range(3)}
        assert dict(database.execute(query, ("group2",))) == {"group2": 1}


@pytest.mark.parametrize("command", ["compare", "report"])
def test_experiments_without_runs_are_reported(original: Path, command: str, tmp_path: Path) -> None:
    store = find_store(str(original))
    words = [
        command,
        "--store",
        str(original),
        "--experiment",
        "e",
        *(["--out", str(tmp_path)] * (command == "report")),
    ]
    MlflowTracker(store, "e").discard("0000000a")
    without_runs = CliRunner().invoke(main, words)
    tracker = MlflowTracker(store, "e")
    tracker._client.delete_experiment(tracker._experiment)
    deleted = CliRunner().invoke(main, words)
    assert (without_runs.exit_code, deleted.exit_code) == (2, 2)
    assert "there are no runs yet in the experiment 'e'" in without_runs.stderr
    assert "was deleted in MLflow: restore it" in deleted.stderr


def test_deleted_experiment_is_reported_by_mlflow_as_well(original: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = find_store(str(original))
    tracker = MlflowTracker(store, "e")
    tracker._client.delete_experiment(tracker._experiment)
    monkeypatch.setattr(reading, "read_local", lambda *_, **__: None)
    with pytest.raises(GanbenchError, match="was deleted in MLflow: restore it"):
        read_runs(store, "e", history=False)


def test_the_experiment_default_keeps_its_artifacts_in_the_store(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for store in (find_store(str(original)), find_store("new")):
        write(MlflowTracker(store, "Default"), "0000000a", 1)
        assert len(list((store.folder / "artifacts" / "Default").rglob("*.png"))) == 1
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["new"]


@contextmanager
def as_another_user() -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("only root can act as another user")
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def archive(original: Path) -> Path:
    """A store that another user may only read."""
    for path in (original, *original.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    for parent in original.parents:
        if not parent.stat().st_mode & 0o001:  # pytest's own folders
            parent.chmod(0o711)
    return original


@pytest.mark.parametrize("folder_mode", [0o755, 0o777])
@pytest.mark.parametrize("state", ["at rest", "in use", "killed", "killed, copied in part"])
def test_stores_that_may_only_be_read_are_read_without_writing(
    archive: Path, state: str, folder_mode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = find_store(str(archive))
    with closing(sqlite3.connect(store.database)) as owner:
        if state != "at rest":
            owner.execute("update tags set value = 'diverged' where key = 'ganbench.status' and value = 'finished'")
            owner.commit()
        if state.startswith("killed"):
            copy = shutil.copytree(archive, archive.with_name("copy"))
            if state == "killed, copied in part":
                (copy / "mlflow.db-shm").unlink()
            store = find_store(str(copy))
        store.folder.chmod(folder_mode)
        before = files(store.folder)
        expected = "finished" if state == "at rest" else "diverged"
        with as_another_user():
            (run,) = read_runs(store, "e", history=True)
            assert (run.status, read_statuses(store, "e")) == (expected, {"0000000a": expected})
            assert find_run(store, "0000000a")[0] == "e"
            assert set(pictures(store)) == {"0000000a"}
            assert load_results(store, "e").table["run"].unique().tolist() == ["0000000a"]
            monkeypatch.setattr(reading, "read_local_images", lambda *_: None)
            assert set(pictures(store)) == {"0000000a"}
        assert files(store.folder) == before


def test_writing_to_another_users_store_says_whose_it_is(archive: Path) -> None:
    store = find_store(str(archive))
    archive.chmod(0o777)
    with as_another_user(), pytest.raises(GanbenchError, match=r"can't be written \(.*it belongs to root\)"):
        MlflowTracker(store, "e")
    archive.chmod(0o755)
    with as_another_user(), pytest.raises(GanbenchError, match=r"can't be written \(.*it belongs to root\)"):
        MlflowTracker(store, "e")
    archive.chmod(0o700)
    with as_another_user(), pytest.raises(GanbenchError, match=r"can't be read \(.*it belongs to root\)"):
        read_runs(store, "e", history=False)
