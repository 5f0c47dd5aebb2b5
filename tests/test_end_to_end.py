"""End to end, with real MNIST and a real SQLite store: run, kill, resume, compare, report."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import sqlite3
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from ganbench.data.labelled import LabelledImages

pytestmark = pytest.mark.usefixtures("mnist")

SMALL = [
    *("--arch", "mlp:latent_dim=8,generator_widths=[32],critic_widths=[32]"),
    *("--set", "evaluation.quick_samples=500", "--set", "evaluation.samples=1000"),
]
LONG = [*SMALL, "--seeds", "0-1", "--steps", "400", "--eval-every", "40"]

# Tiny networks gain nothing from threads, which wait for each other on a busy machine.
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
TIMEOUT = 300
"""Seconds for a few evaluations; with an empty cache, the first one computes features of all training images."""

Rows = dict[tuple[str, str, int], float]


def ganbench(*args: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ganbench", *map(str, args)]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=ENVIRONMENT)


def start_ganbench(*args: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ganbench", *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)


def read_metrics(store: Path) -> Rows:
    """All metrics of a store by (run id, name, step), read directly from its database, except times."""
    query = """
        select tags.value, metrics.key, metrics.step, metrics.value
        from metrics join tags on tags.run_uuid = metrics.run_uuid and tags.key = 'ganbench.run'
        join runs on runs.run_uuid = metrics.run_uuid
        where runs.lifecycle_stage = 'active'
    """
    with closing(sqlite3.connect(store / "mlflow.db")) as database:
        rows = database.execute(query).fetchall()
    values = {(run, key, step): value for run, key, step, value in rows}
    assert len(values) == len(rows), "a number is tracked twice"
    return {key: value for key, value in values.items() if key[1] != "train/seconds"}


def tags(store: Path, key: str) -> list[str]:
    with closing(sqlite3.connect(store / "mlflow.db")) as database:
        query = """
            select tags.value from tags join tags as kind on kind.run_uuid = tags.run_uuid
            join runs on runs.run_uuid = tags.run_uuid
            where tags.key = ? and kind.key = 'ganbench.kind' and kind.value = 'seed'
            and runs.lifecycle_stage = 'active'
        """
        return [value for (value,) in database.execute(query, (f"ganbench.{key}",))]


def checkpoints(store: Path) -> list[Path]:
    return list((store / "checkpoints").rglob("*.safetensors"))


def evaluations(store: Path) -> int:
    if not (store / "mlflow.db").exists():
        return 0
    try:
        with closing(sqlite3.connect(store / "mlflow.db")) as database:
            return int(database.execute("select count(*) from metrics where key = 'quick/fid'").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def wait_for_evaluations(store: Path, count: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while evaluations(store) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with an uninterrupted run."""
    store = tmp_path_factory.mktemp("whole")
    result = ganbench("run", *LONG, "--store", store)
    assert result.returncode == 0, result.stderr
    return store


def test_run_compare_and_report(tmp_path: Path) -> None:
    store = tmp_path / "store"
    for loss in ("minimax", "non-saturating"):
        result = ganbench("run", "--loss", loss, *SMALL, "--seeds", "0-2", "--steps", "30", "--store", store)
        assert result.returncode == 0, result.stderr
        assert result.stdout.count("of 10 digits") == 3
        assert "(real data: " in result.stdout
    assert len([key for key in read_metrics(store) if key[1] == "fid"]) == 6

    compared = json.loads(ganbench("compare", "--store", store, "--format", "json").stdout)
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
    table = ganbench("compare", "--store", store).stdout
    assert "real data" in table
    assert " ± " in table, "a floor has its deviation"
    assert "On mnist (mlp), a mode is lost in" in table

    samples = [np.load(path) for path in store.rglob("samples.npy")]
    assert [sample.shape for sample in samples] == [(1000, 1, 28, 28)] * 6
    assert len(list(store.rglob("mode-histogram.png"))) == 6
    assert len(list(store.rglob("weights.safetensors"))) == 6
    assert len(list(store.rglob("timeline.json"))) == len(list(store.rglob("timeline.png"))) == 6
    assert set(tags(store, "status")) == {"finished"}
    assert set(tags(store, "protocol")) == {"ganbench-2 v1 at N=1,000"}
    assert len(tags(store, "events")) == 6
    assert checkpoints(store) == []

    result = ganbench("report", "--store", store, "--out", tmp_path / "reports")
    assert result.returncode == 0, result.stderr
    (folder,) = (tmp_path / "reports").iterdir()
    assert {path.name for path in folder.iterdir()} == {
        *("report.html", "report.md", "results.csv", "about.json", "figures", "samples")
    }
    assert (folder / "figures" / "modes-covered-mnist.svg").read_text().startswith("<svg")
    page = (folder / "report.html").read_text()
    pictures = {path.name: base64.b64encode(path.read_bytes()).decode() for path in (folder / "samples").iterdir()}
    assert len({name.partition("-")[0] for name in pictures}) == 6, "best, middle and worst of two methods"
    assert all(page.count(f"data:image/webp;base64,{picture}") >= 1 for picture in pictures.values())
    from_csv = ganbench("compare", "--from", folder / "results.csv", "--format", "json").stdout
    assert json.loads(from_csv) == compared


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


def test_killed_run_resumes_to_the_numbers_of_an_uninterrupted_one(uninterrupted: Path, tmp_path: Path) -> None:
    for count in (2, 14):  # number of evaluations, of two seeds, before the kill
        process = start_ganbench("run", *LONG, "--store", tmp_path)
        wait_for_evaluations(tmp_path, count, process)
        kill(process)
        assert set(tags(tmp_path, "status")) == {"running"}
    result = ganbench("run", *LONG, "--store", tmp_path)
    assert result.returncode == 0, result.stderr
    assert "going on from step" in result.stdout
    assert read_metrics(tmp_path) == read_metrics(uninterrupted)
    assert checkpoints(tmp_path) == []
    assert list(tmp_path.rglob(".part-*")) == []
    assert set(tags(tmp_path, "status")) == {"finished"}


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


def test_corrupt_checkpoint_is_rejected_and_not_modified(tmp_path: Path) -> None:
    process = start_ganbench("run", *LONG, "--store", tmp_path)
    wait_for_evaluations(tmp_path, 2, process)
    kill(process)
    (checkpoint,) = checkpoints(tmp_path)
    content = checkpoint.read_bytes()[:-100]
    checkpoint.write_bytes(content)
    result = ganbench("run", *LONG, "--store", tmp_path)
    assert result.returncode == 2
    assert "truncated or altered" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert checkpoint.read_bytes() == content


def test_second_command_for_the_same_runs_is_rejected(tmp_path: Path) -> None:
    process = start_ganbench("run", *LONG, "--store", tmp_path)
    wait_for_evaluations(tmp_path, 2, process)
    result = ganbench("run", *LONG, "--store", tmp_path)
    kill(process)
    assert result.returncode == 2
    assert "another process" in result.stderr


def test_collapsed_runs_on_points_are_stopped_scored_and_reported(tmp_path: Path) -> None:
    store = tmp_path / "store"
    args = ["--dataset", "ring:modes=5", "--arch", "mlp:generator_widths=[16],critic_widths=[16]", "--seeds", "0-1"]
    sizes = ["--set", "evaluation.quick_samples=500", "--set", "evaluation.samples=800"]
    # D hardly learns, so G runs off to what D likes most: into one mode.
    ahead = ["--set", "train.critic_lr=1e-7", "--set", "train.generator_lr=1e-2"]
    stop = ["--steps", "300", "--eval-every", "10", "--stop-on", "collapse:3"]
    flags = [*args, *sizes, *ahead, *stop, "--store", str(store)]
    result = ganbench("run", *flags)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("given up at step 30, since it stayed collapsed; 0.0% of samples are good") == 2
    assert set(tags(store, "status")) == {"collapsed"}
    metrics = read_metrics(store)
    assert {step for _, metric, step in metrics if metric == "hq"} == {30}
    assert {value for (_, metric, _), value in metrics.items() if metric == "ceiling/modes"} == {5}
    assert {value for (_, metric, _), value in metrics.items() if metric == "floor/modes"} == {5}
    assert not any("fid" in metric for _, metric, _ in metrics), "points have no classifier features"
    for path in store.rglob("timeline.json"):
        timeline = json.loads(path.read_text())
        assert [observation["step"] for observation in timeline["looks"]] == [10, 20, 30]
        assert timeline["modes"] == list("01234")
    assert {np.load(path).shape for path in store.rglob("samples.npy")} == {(50_000, 2)}
    assert checkpoints(store) == []
    compared = json.loads(ganbench("compare", "--store", store, "--format", "json").stdout)
    (row,), (floor,) = compared["groups"], compared["floors"]
    assert (row["seeds"], row["collapsed"], row["finished"], row["modes_strict"]) == (2, 2, 0, 0)
    assert (floor["modes_strict"], floor["samples"]) == (5, 800)
    before = read_metrics(store)
    again = ganbench("run", *flags)
    assert again.returncode == 0
    assert read_metrics(store) == before, "a collapsed run must not be resumed"
    result = ganbench("report", "--store", store, "--out", tmp_path / "reports")
    assert result.returncode == 0, result.stderr


DIVERGING = """
import torch
from ganbench.plugin import LOSSES
from ganbench.methods.losses.minimax import Minimax
from ganbench.plugin import register

@register(LOSSES, "breaks")
class Breaks(Minimax):
    '''Breaks down where the critic of this seed begins with a high opinion (nobody, 2026).'''

    def critic_loss(self, real, fake):
        return super().critic_loss(real, fake) + torch.where(fake.mean() > THRESHOLD, torch.nan, 0.0)
"""


@pytest.mark.parametrize(("threshold", "status"), [("0.0", 0), ("-99.0", 1)])
def test_diverged_seeds_are_results_and_other_seeds_continue(tmp_path: Path, threshold: str, status: int) -> None:
    """The initial outputs of the critic differ between seeds, so some of these six diverge and others don't."""
    plugin = tmp_path / "breaks.py"
    plugin.write_text(DIVERGING.replace("THRESHOLD", threshold))
    flags = [*SMALL, "--seeds", "0-5", "--steps", "3", "--store", str(tmp_path)]
    result = ganbench("run", "--plugin", plugin, "--loss", "breaks", *flags)
    assert result.returncode == status, result.stderr
    statuses = tags(tmp_path, "status")
    assert set(statuses) == ({"finished", "diverged"} if status == 0 else {"diverged"})
    (row,) = json.loads(ganbench("compare", "--store", tmp_path, "--format", "json").stdout)["groups"]
    assert (row["seeds"], row["diverged"], row["finished"]) == (
        6,
        statuses.count("diverged"),
        statuses.count("finished"),
    )
    assert result.stdout.count("diverged by step") >= statuses.count("diverged")
    assert checkpoints(tmp_path) == []


def test_loss_in_the_readme_can_be_listed_run_and_checked_as_printed(tmp_path: Path) -> None:
    readme, text = (
        (Path(__file__).parent.parent / name).read_text(encoding="utf-8") for name in ("README.md", "docs/extending.md")
    )
    (code,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert code in text
    plugin = tmp_path / "ralsgan.py"
    plugin.write_text(code)
    assert "RaLSGAN" in ganbench("list", "losses", "--plugin", plugin).stdout
    result = ganbench("run", "--plugin", plugin, "--loss", "ralsgan", *SMALL, "--steps", "5", "--store", tmp_path)
    assert result.returncode == 0, result.stderr
    passed = ganbench("check", plugin)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    plugin.write_text(
        code.replace("critic_loss(fake, real)", "critic_loss(real, fake)")
    )  # the generator helps the critic
    failed = ganbench("check", plugin)
    assert failed.returncode == 1
    (statement, problem) = re.findall(r"✗ (.*)\n +(.*)", failed.stdout)[0]
    assert f"✗ {statement}\n      {problem}\n" in text, "the page shows the output of the failed check"
    assert failed.stdout.splitlines()[-1] in text


SPREAD_PLUGIN = """
from ganbench.plugin import METRICS, PROTOCOLS, Case, Metric, Protocol, Rule, register


@register(METRICS, "spread")
class Spread(Metric):
    \"\"\"Standard deviation of the samples (nobody 2026, a test).\"\"\"

    direction = "higher"

    def __call__(self, fake, real):
        return float(fake.embedding.std())


@register(PROTOCOLS, "spread-only")
class SpreadOnly(Protocol):
    \"\"\"One metric, and neither modes nor FID (nobody 2026, a test).\"\"\"

    def cases(self):
        return {"ring": Case(500, Rule("l2", 3.0), {"spread": METRICS.create({"name": "spread"})}, ("spread",))}
"""


def test_plugin_protocol_without_modes_and_fid_is_run_compared_and_reported(tmp_path: Path) -> None:
    plugin = tmp_path / "other.py"
    plugin.write_text(SPREAD_PLUGIN)
    checked = ganbench("check", plugin)
    assert checked.returncode == 0, checked.stdout
    store = ("--store", tmp_path / "store")
    for loss in ("minimax", "hinge"):
        args = ["--loss", loss, "--dataset", "ring", "--protocol", "spread-only", "--arch", SMALL[1], "--seeds", "0-5"]
        result = ganbench("run", "--plugin", plugin, *args, "--steps", "20", "--eval-every", "10", *store)
        assert result.returncode == 0, result.stderr
        assert re.search(rf"{loss}, seed 5: .*; spread \S+ \(real data: \S+\)", result.stdout), result.stdout
        assert re.search(r"step 20/20 .* spread \d", result.stdout), result.stdout
    compared = ganbench("compare", *store)
    assert compared.returncode == 0, compared.stderr
    # There is an interval and a ranking, although the code that reads results doesn't know the metric.
    assert re.search(r"minimax +mlp .*\d \[\S+ – \S+\]", compared.stdout), compared.stdout
    assert re.search(r"^spread: ", compared.stdout, flags=re.MULTILINE), compared.stdout
    report = ganbench("report", *store, "--out", tmp_path / "reports")
    assert report.returncode == 0, report.stderr


def test_ui_serves_the_runs_page_and_stops_its_server_on_exit(uninterrupted: Path) -> None:
    # With SIGINT ignored, as for background jobs of a shell script.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    process = start_ganbench("ui", "--store", uninterrupted, "--port", "0")
    signal.signal(signal.SIGINT, before)
    assert process.stdout is not None
    address = process.stdout.readline().split()[-1]
    page, fragment = address.split("#")
    assert re.fullmatch(r"/experiments/\d+/runs\?workflowType=machine_learning", fragment)
    with urllib.request.urlopen(page, timeout=10) as response:
        assert b"MLflow" in response.read()
    process.terminate()
    process.communicate(timeout=30)
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(page, timeout=2)


def test_data_fetch_reports_the_number_of_images(mnist: LabelledImages) -> None:
    result = ganbench("data", "fetch", "mnist")
    assert result.returncode == 0
    assert f"{len(mnist):,} training" in result.stdout
