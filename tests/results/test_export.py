"""Exports of a sweep: it resumes from them on another machine, with the same results as on one machine."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import time
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.core.unfinished import unfinished_name
from ganbench.results.combining import NUMBER
from ganbench.results.csv_file import read_csv
from ganbench.results.export import Export, merged
from ganbench.runs import sweep as session
from ganbench.runs.progress import PROGRESS_FILE, read_progress
from ganbench.tracking.store import find_store

TEMPLATE = """
seeds = "0-1"
[base]
arch = "mlp:generator_widths=[8],critic_widths=[8]"
dataset = "ring:points=2000"
[base.train]
steps = {steps}
batch_size = 8
[base.evaluation]
every = {every}
quick_samples = 500
samples = 500
[axes]
loss = {losses}
"""


@pytest.fixture(autouse=True)
def _one_thread_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def sweep(file: Path, machine: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["sweep", str(file), "--store", str(machine), "--device", "cpu", *more])


def experiment(folder: Path, steps: int, losses: str = '["minimax", "hinge"]') -> Path:
    file = folder / "asked" / "tiny.toml"
    file.parent.mkdir()
    file.write_text(TEMPLATE.format(steps=steps, every=steps // 10, losses=losses))
    return file


def numbers(results: Path) -> pd.DataFrame:
    """The measured values, in a fixed order."""
    table = read_csv(results).table
    return table[[*NUMBER, "value", "status"]].sort_values(NUMBER, ignore_index=True)


class Clock:
    """A clock on which an hour passes as soon as a machine's worker has got somewhere."""

    def __init__(self, machine: Path) -> None:
        self._machine, self._passed = machine, 0.0

    def monotonic(self) -> float:
        progress = [read_progress(path.parent) for path in self._machine.rglob(PROGRESS_FILE)]
        if any(found is not None and found.step > found.began_step for found in progress):
            self._passed = 3600.0
        return time.monotonic() + self._passed


def test_sweep_out_of_time_resumes_on_another_machine_with_equal_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, export = experiment(tmp_path, 2000, '["hinge"]'), tmp_path / "carried"
    uninterrupted = sweep(file, tmp_path / "whole", "--export", str(tmp_path / "whole-export"))
    assert uninterrupted.exit_code == 0, uninterrupted.output
    # Each store stands for a new machine, which has only the export.
    with monkeypatch.context() as patch:
        patch.setattr(session, "time", Clock(tmp_path / "machine-1"))
        result = sweep(file, tmp_path / "machine-1", "--export", str(export), "--minutes", "30")
    assert result.exit_code == 0, result.output
    assert "the time is up" in result.output
    result = sweep(file, tmp_path / "machine-2", "--export", str(export))
    assert result.exit_code == 0, result.output
    pd.testing.assert_frame_equal(
        numbers(export / "tiny" / "results.csv"), numbers(tmp_path / "whole-export" / "tiny" / "results.csv")
    )
    assert not (export / "tiny" / "checkpoints.tar").exists()


def test_experiments_of_a_folder_run_in_order_of_their_names(tmp_path: Path) -> None:
    file = experiment(tmp_path, 20)
    (file.parent / "another.toml").write_text(file.read_text().replace('["minimax", "hinge"]', '["wgan-gp"]'))
    result = sweep(file.parent, tmp_path / "store", "--dry-run")
    assert result.exit_code == 0, result.output
    assert result.output.index("wgan-gp") < result.output.index("minimax")
    empty = tmp_path / "empty"
    empty.mkdir()
    result = sweep(empty, tmp_path / "store")
    assert result.exit_code == 2
    assert "there is no experiment in" in result.output


@pytest.mark.parametrize("name", ["../../outside.safetensors", "/etc/passwd", "0123456789ab/../x.safetensors"])
def test_export_with_unexpected_files_is_rejected(name: str, tmp_path: Path) -> None:
    export = Export(tmp_path / "export", find_store(str(tmp_path / "store")), "e")
    (tmp_path / "export" / "e").mkdir(parents=True)
    with tarfile.open(tmp_path / "export" / "e" / "checkpoints.tar", "w") as tar:
        member = tarfile.TarInfo(name)
        member.size = 3
        tar.addfile(member, io.BytesIO(b"abc"))
    with pytest.raises(GanbenchError, match="which is no checkpoint"):
        export.restore()
    assert not (tmp_path / "store" / "checkpoints").exists()


def test_export_removes_what_a_killed_one_left_unfinished(tmp_path: Path) -> None:
    file, folder = experiment(tmp_path, 20), tmp_path / "x" / "tiny"
    folder.mkdir(parents=True)
    with subprocess.Popen(["true"]) as process:
        process.wait()

    def unfinished(process: int) -> str:
        return unfinished_name().replace(str(os.getpid()), str(process))

    left = folder / unfinished(process.pid)
    left.write_text("run,gro")
    others = {unfinished(os.getppid()), f".part-another-machine-{process.pid}"}
    for name in others:
        (folder / name).touch()
    assert sweep(file, tmp_path / "store", "--export", str(tmp_path / "x")).exit_code == 0
    assert {path.name for path in folder.iterdir()} == {"results.csv", *others}, "those are at work"


def test_merging_tables_applies_the_later_status_to_all_rows_of_a_run(tmp_path: Path) -> None:
    file = experiment(tmp_path, 40)
    assert sweep(file, tmp_path / "store", "--export", str(tmp_path / "x")).exit_code == 0
    later = read_csv(tmp_path / "x" / "tiny" / "results.csv").table
    earlier = later[later["step"] <= 20].copy()
    earlier["status"] = pd.Categorical(["stopped"] * len(earlier))
    both = merged(earlier, later[later["step"] > 20])
    assert set(both["status"]) == {"finished"}
    assert len(both) == len(later)
    assert len(merged(both, later)) == len(later)
