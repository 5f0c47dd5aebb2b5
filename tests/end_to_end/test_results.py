"""Real MNIST and a real store, read in every way: compared, reported, and served as a page."""

from __future__ import annotations

import base64
import json
import re
import signal
import sqlite3
import statistics
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganbench.data.labelled import LabelledImages
from tests.conftest import PATIENCE
from tests.end_to_end.commands import SMALL, checkpoints, ganbench, read, read_metrics, start_ganbench, tags

pytestmark = pytest.mark.usefixtures("mnist", "one_thread")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with three seeds of two methods."""
    store = tmp_path_factory.mktemp("two") / "store"
    for loss in ("minimax", "non-saturating"):
        result = ganbench("run", "--loss", loss, *SMALL, "--seeds", "0-2", "--steps", "30", "--store", store)
        assert result.exit_code == 0, result.stderr
        assert result.stdout.count("of 10 digits") == 3
        assert "(real data: " in result.stdout
    return store


@pytest.fixture(scope="module")
def compared(store: Path) -> Any:
    """The comparison of these methods."""
    return json.loads(ganbench("compare", "--store", store, "--format", "json").stdout)


def test_finished_seeds_leave_their_scores_samples_weights_and_tags(store: Path) -> None:
    assert len([key for key in read_metrics(store) if key[1] == "fid"]) == 6
    samples = [np.load(path) for path in store.rglob("samples.npy")]
    assert [sample.shape for sample in samples] == [(1000, 1, 28, 28)] * 6
    assert len(list(store.rglob("mode-histogram.png"))) == 6
    assert len(list(store.rglob("weights.safetensors"))) == 6
    assert len(list(store.rglob("timeline.json"))) == len(list(store.rglob("timeline.png"))) == 6
    assert set(tags(store, "status")) == {"finished"}
    assert set(tags(store, "protocol")) == {"ganbench-2 v1 at N=1,000"}
    assert len(tags(store, "events")) == 6
    assert checkpoints(store) == []


def test_comparison_has_the_medians_of_the_database(store: Path, compared: Any) -> None:
    assert [row["loss"] for row in compared["groups"]] == ["minimax", "non-saturating"]
    assert [row["dataset"] for row in compared["floors"]] == ["mnist"]
    with closing(sqlite3.connect(store / "mlflow.db")) as database:
        for row in compared["groups"]:
            query = """
                select metrics.value from metrics join params on params.run_uuid = metrics.run_uuid
                where params.key = 'loss' and params.value = ? and metrics.key = ?
            """
            for metric in ("fid", "modes_strict", "kl"):
                values = [value for (value,) in database.execute(query, (row["loss"], metric))]
                assert len(values) == row["seeds"] == row["finished"] == 3
                assert row[metric] == pytest.approx(statistics.median(values), rel=1e-9)
                assert (row[f"{metric}_low"], row[f"{metric}_high"]) == pytest.approx((min(values), max(values)))
            assert row["images"] == 30 * 64
            assert (row["protocol"], row["samples"]) == ("ganbench-2 v1 at N=1,000", 1000)
    table = read("compare", "--store", store)
    assert "real data" in table
    assert " ± " in table, "a floor has its deviation"
    assert "On mnist (mlp), a mode is missing in" in table


def test_report_holds_all_that_it_shows_and_can_be_compared_again(store: Path, compared: Any, tmp_path: Path) -> None:
    result = ganbench("report", "--store", store, "--out", tmp_path / "reports")
    assert result.exit_code == 0, result.stderr
    (folder,) = (tmp_path / "reports").iterdir()
    assert {path.name for path in folder.iterdir()} == {
        *("report.html", "report.md", "results.csv", "about.json", "figures", "samples")
    }
    assert (folder / "figures" / "modes-covered-mnist.svg").read_text().startswith("<svg")
    page = (folder / "report.html").read_text()
    pictures = {path.name: base64.b64encode(path.read_bytes()).decode() for path in (folder / "samples").iterdir()}
    assert len({name.partition("-")[0] for name in pictures}) == 6, "best, middle and worst of two methods"
    assert all(page.count(f"data:image/webp;base64,{picture}") >= 1 for picture in pictures.values())
    assert json.loads(read("compare", "--from", folder / "results.csv", "--format", "json")) == compared


def test_ui_serves_the_runs_page_and_stops_its_server_on_exit(store: Path) -> None:
    # With SIGINT ignored, as for background jobs of a shell script.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    process = start_ganbench("ui", "--store", store, "--port", "0")
    signal.signal(signal.SIGINT, before)
    assert process.stdout is not None
    address = process.stdout.readline().split()[-1]
    page, fragment = address.split("#")
    assert re.fullmatch(r"/experiments/\d+/runs\?workflowType=machine_learning&compareRunsMode=CHART", fragment)
    with urllib.request.urlopen(page, timeout=PATIENCE) as response:
        assert b"MLflow" in response.read()
    process.terminate()
    process.communicate(timeout=PATIENCE)
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(page, timeout=2)


def test_data_fetch_reports_the_number_of_images(mnist: LabelledImages) -> None:
    result = ganbench("data", "fetch", "mnist")
    assert result.exit_code == 0
    assert f"{len(mnist):,} training" in result.stdout
