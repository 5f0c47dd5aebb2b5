"""Runs that a signal stops keep what they measured, and resume."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.end_to_end.commands import (
    LONG,
    checkpoints,
    ganbench,
    read_metrics,
    start_ganbench,
    tags,
    wait_for_evaluations,
)

pytestmark = pytest.mark.usefixtures("mnist")


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_run_keeps_its_metrics_and_resumes(
    uninterrupted: Path, tmp_path: Path, sent: signal.Signals, status: int
) -> None:
    process = start_ganbench("run", *LONG, "--store", tmp_path)
    wait_for_evaluations(tmp_path, 6, process)
    process.send_signal(sent)
    output, error = process.communicate(timeout=60)
    assert process.returncode == status, error
    assert "stopped after step" in output
    assert "Traceback" not in error
    assert set(tags(tmp_path, "status")) == {"stopped"}
    assert len(checkpoints(tmp_path)) == 1
    measured, complete = read_metrics(tmp_path), read_metrics(uninterrupted)
    assert 0 < len(measured) < len(complete)
    assert measured.items() <= complete.items()
    result = ganbench("run", *LONG, "--store", tmp_path)
    assert result.returncode == 0, result.stderr
    assert read_metrics(tmp_path) == complete
