"""The real command, with real MNIST and a real SQLite store: run, kill, resume, compare, report."""

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
PATIENCE = 300
"""Seconds for a few evaluations: where nothing is kept yet, the first one looks at all training images."""

Rows = dict[tuple[str, str, int], float]


def ganbench(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ganbench", *map(str, words)]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=ENVIRONMENT)


def begin(*words: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ganbench", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)


def read(store: Path) -> Rows:
    """All metrics of a store by (run id, name, step), straight from its database; times are left out."""
    query = """
        select tags.value, metrics.key, metrics.step, metrics.value
        from metrics join tags on tags.run_uuid = metrics.run_uuid and tags.key = 'ganbench.run'
        join runs on runs.run_uuid = metrics.run_uuid
        where runs.lifecycle_stage = 'active'
    """
    with closing(sqlite3.connect(store / "mlflow.db")) as database:
        rows = database.execute(query).fetchall()
    found = {(run, key, step): value for run, key, step, value in rows}
    assert len(found) == len(rows), "a number is there twice"
    return {key: value for key, value in found.items() if key[1] != "train/seconds"}


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
    deadline = time.monotonic() + PATIENCE
    while evaluations(store) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a run that nobody interrupted."""
    store = tmp_path_factory.mktemp("whole")
    done = ganbench("run", *LONG, "--store", store)
    assert done.returncode == 0, done.stderr
    return store


def test_the_whole_way(tmp_path: Path) -> None:
    store = tmp_path / "store"
    for loss in ("minimax", "non-saturating"):
        done = ganbench("run", "--loss", loss, *SMALL, "--seeds", "0-2", "--steps", "30", "--store", store)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("of 10 digits") == 3
        assert "(real data: " in done.stdout
    assert len([key for key in read(store) if key[1] == "fid"]) == 6

    compared = json.loads(ganbench("compare", "--store", store, "--format", "json").stdout)
    assert [row["loss"] for row in compared] == ["minimax", "non-saturating", "real data"]
    with closing(sqlite3.connect(store / "mlflow.db")) as database:
        for row in compared[:2]:
            query = """
                select metrics.value from metrics join params on params.run_uuid = metrics.run_uuid
                where params.key = 'loss' and params.value = ? and metrics.key = ?
            """
            for metric in ("fid", "modes", "kl"):
                values = [value for (value,) in database.execute(query, (row["loss"], metric))]
                assert len(values) == row["seeds"] == row["finished"] == 3
                assert row[metric] == pytest.approx(statistics.median(values), rel=1e-9)
                assert (row[f"{metric}-low"], row[f"{metric}-high"]) == pytest.approx((min(values), max(values)))
            assert row["images"] == 30 * 64
            assert (row["protocol"], row["samples"]) == ("ganbench-1 v1 at N=1,000", 1000)
    table = ganbench("compare", "--store", store).stdout
    assert "real data" in table

    samples = [np.load(path) for path in store.rglob("samples.npy")]
    assert [sample.shape for sample in samples] == [(1000, 1, 28, 28)] * 6
    assert len(list(store.rglob("mode-histogram.png"))) == 6
    assert len(list(store.rglob("weights.safetensors"))) == 6
    assert len(list(store.rglob("timeline.json"))) == len(list(store.rglob("timeline.png"))) == 6
    assert set(tags(store, "status")) == {"finished"}
    assert set(tags(store, "protocol")) == {"ganbench-1 v1 at N=1,000"}
    assert len(tags(store, "events")) == 6
    assert checkpoints(store) == []

    done = ganbench("report", "--store", store, "--out", tmp_path / "reports")
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "reports").iterdir()
    assert {path.name for path in folder.iterdir()} == {
        *("report.html", "report.md", "results.csv", "about.json", "figures", "samples")
    }
    assert (folder / "figures" / "modes-mnist.svg").read_text().startswith("<svg")
    page = (folder / "report.html").read_text()
    shown = {path.name: base64.b64encode(path.read_bytes()).decode() for path in (folder / "samples").iterdir()}
    assert len({name.partition("-")[0] for name in shown}) == 6, "best, middle and worst of two methods"
    assert all(page.count(f"data:image/webp;base64,{each}") >= 1 for each in shown.values())
    from_csv = ganbench("compare", "--from", folder / "results.csv", "--format", "json").stdout
    assert json.loads(from_csv) == compared


def test_a_finished_run_is_not_repeated_unless_forced(whole: Path) -> None:
    before, changed = read(whole), (whole / "mlflow.db").stat().st_mtime
    done = ganbench("run", *LONG, "--store", whole)
    assert done.returncode == 0
    assert done.stdout.count("of 10 digits") == 2, "its result is shown again"
    assert (whole / "mlflow.db").stat().st_mtime == changed
    done = ganbench("run", *LONG, "--store", whole, "--force")
    assert done.returncode == 0, done.stderr
    assert (whole / "mlflow.db").stat().st_mtime > changed
    assert read(whole) == before, "and repeated it gives the same numbers"


def test_a_killed_run_is_resumed_and_ends_with_the_numbers_of_an_uninterrupted_one(whole: Path, tmp_path: Path) -> None:
    for target in (2, 14):  # evaluations of two seeds, after which it is killed
        process = begin("run", *LONG, "--store", tmp_path)
        wait_for_evaluations(tmp_path, target, process)
        kill(process)
        assert set(tags(tmp_path, "status")) == {"running"}
    done = ganbench("run", *LONG, "--store", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "going on from step" in done.stdout
    assert read(tmp_path) == read(whole)
    assert checkpoints(tmp_path) == []
    assert list(tmp_path.rglob(".part-*")) == []
    assert set(tags(tmp_path, "status")) == {"finished"}


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_keeps_what_was_measured_and_goes_on(
    whole: Path, tmp_path: Path, sent: signal.Signals, status: int
) -> None:
    process = begin("run", *LONG, "--store", tmp_path)
    wait_for_evaluations(tmp_path, 6, process)
    process.send_signal(sent)
    output, error = process.communicate(timeout=60)
    assert process.returncode == status, error
    assert "stopped after step" in output
    assert "Traceback" not in error
    assert set(tags(tmp_path, "status")) == {"stopped"}
    assert len(checkpoints(tmp_path)) == 1
    measured, complete = read(tmp_path), read(whole)
    assert 0 < len(measured) < len(complete)
    assert measured.items() <= complete.items()
    done = ganbench("run", *LONG, "--store", tmp_path)
    assert done.returncode == 0, done.stderr
    assert read(tmp_path) == complete


def test_a_corrupt_checkpoint_is_refused_and_left_alone(tmp_path: Path) -> None:
    process = begin("run", *LONG, "--store", tmp_path)
    wait_for_evaluations(tmp_path, 2, process)
    kill(process)
    (checkpoint,) = checkpoints(tmp_path)
    content = checkpoint.read_bytes()[:-100]
    checkpoint.write_bytes(content)
    done = ganbench("run", *LONG, "--store", tmp_path)
    assert done.returncode == 2
    assert "truncated or altered" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert checkpoint.read_bytes() == content


def test_two_commands_for_the_same_runs_do_not_meet(tmp_path: Path) -> None:
    process = begin("run", *LONG, "--store", tmp_path)
    wait_for_evaluations(tmp_path, 2, process)
    done = ganbench("run", *LONG, "--store", tmp_path)
    kill(process)
    assert done.returncode == 2
    assert "another process" in done.stderr


def test_points_whose_generator_stays_collapsed_are_given_up_scored_and_told(tmp_path: Path) -> None:
    store = tmp_path / "store"
    words = ["--dataset", "ring:modes=5", "--arch", "mlp:generator_widths=[16],critic_widths=[16]", "--seeds", "0-1"]
    sizes = ["--set", "evaluation.quick_samples=500", "--set", "evaluation.samples=800"]
    flags = [*words, *sizes, "--steps", "300", "--eval-every", "10", "--stop-on", "collapse:3", "--store", str(store)]
    done = ganbench("run", *flags)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("given up at step 30, since it stayed collapsed; 0 of 5 modes") == 2
    assert set(tags(store, "status")) == {"collapsed"}
    found = read(store)
    assert {step for _, metric, step in found if metric == "hq"} == {30}
    assert {value for (_, metric, _), value in found.items() if metric == "ceiling/modes"} == {5}
    assert {value for (_, metric, _), value in found.items() if metric == "floor/modes"} == {5}
    assert not any("fid" in metric for _, metric, _ in found), "points have no classifier's features"
    for path in store.rglob("timeline.json"):
        timeline = json.loads(path.read_text())
        assert [look["step"] for look in timeline["looks"]] == [10, 20, 30]
        assert timeline["modes"] == list("01234")
    assert {np.load(path).shape for path in store.rglob("samples.npy")} == {(50_000, 2)}
    assert checkpoints(store) == []
    (row, floor) = json.loads(ganbench("compare", "--store", store, "--format", "json").stdout)
    assert (row["seeds"], row["collapsed"], row["finished"], row["modes"]) == (2, 2, 0, 0)
    assert (floor["modes"], floor["samples"]) == (5, 800)
    before = read(store)
    again = ganbench("run", *flags)
    assert again.returncode == 0
    assert read(store) == before, "and not taken up again"
    done = ganbench("report", "--store", store, "--out", tmp_path / "reports")
    assert done.returncode == 0, done.stderr


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
def test_diverged_seeds_are_a_result_and_the_others_go_on(tmp_path: Path, threshold: str, status: int) -> None:
    """The critic's first opinion differs from seed to seed: of these six, some break down and some don't."""
    plugin = tmp_path / "breaks.py"
    plugin.write_text(DIVERGING.replace("THRESHOLD", threshold))
    flags = [*SMALL, "--seeds", "0-5", "--steps", "3", "--store", str(tmp_path)]
    done = ganbench("run", "--plugin", plugin, "--loss", "breaks", *flags)
    assert done.returncode == status, done.stderr
    found = tags(tmp_path, "status")
    assert set(found) == ({"finished", "diverged"} if status == 0 else {"diverged"})
    (row, _) = json.loads(ganbench("compare", "--store", tmp_path, "--format", "json").stdout)
    assert (row["seeds"], row["diverged"], row["finished"]) == (6, found.count("diverged"), found.count("finished"))
    assert done.stdout.count("diverged by step") >= found.count("diverged")
    assert checkpoints(tmp_path) == []


def test_the_loss_in_the_readme_is_listed_run_and_examined_with_no_other_edit(tmp_path: Path) -> None:
    text = (Path(__file__).parent.parent / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    plugin = tmp_path / "ralsgan.py"
    plugin.write_text(code)
    assert "RaLSGAN" in ganbench("list", "losses", "--plugin", plugin).stdout
    done = ganbench("run", "--plugin", plugin, "--loss", "ralsgan", *SMALL, "--steps", "5", "--store", tmp_path)
    assert done.returncode == 0, done.stderr
    good = ganbench("check", plugin)
    assert good.returncode == 0, good.stdout + good.stderr
    plugin.write_text(
        code.replace("critic_loss(fake, real)", "critic_loss(real, fake)")
    )  # the generator helps the critic
    bad = ganbench("check", plugin)
    assert bad.returncode == 1
    (law, words) = re.findall(r"✗ (.*)\n +(.*)", bad.stdout)[0]
    assert f"✗ {law}\n      {words}\n" in text, "the README shows what is answered"
    assert bad.stdout.splitlines()[-1] in text


OTHER_NUMBERS = """
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


def test_a_protocol_of_a_plug_in_without_modes_and_fid_runs_compares_ranks_and_reports(tmp_path: Path) -> None:
    plugin = tmp_path / "other.py"
    plugin.write_text(OTHER_NUMBERS)
    good = ganbench("check", plugin)
    assert good.returncode == 0, good.stdout
    store = ("--store", tmp_path / "store")
    for loss in ("minimax", "hinge"):
        words = ["--loss", loss, "--dataset", "ring", "--protocol", "spread-only", "--arch", SMALL[1], "--seeds", "0-5"]
        done = ganbench("run", "--plugin", plugin, *words, "--steps", "20", "--eval-every", "10", *store)
        assert done.returncode == 0, done.stderr
        assert re.search(rf"{loss}, seed 5: spread \S+ \(real data: \S+\)", done.stdout), done.stdout
        assert re.search(r"step 20/20 .* spread \d", done.stdout), done.stdout
    compared = ganbench("compare", *store)
    assert compared.returncode == 0, compared.stderr
    # An interval and a judgement, though nothing that reads results has ever seen the metric.
    assert re.search(r"minimax +mlp .*\d \[\S+ – \S+\]", compared.stdout), compared.stdout
    assert re.search(r"^spread: ", compared.stdout, flags=re.MULTILINE), compared.stdout
    report = ganbench("report", *store, "--out", tmp_path / "reports")
    assert report.returncode == 0, report.stderr


def test_ui_serves_the_runs_page_and_takes_its_server_along_when_it_ends(whole: Path) -> None:
    # As a script's background job is started: with SIGINT ignored.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    process = begin("ui", "--store", whole, "--port", "0")
    signal.signal(signal.SIGINT, before)
    assert process.stdout is not None
    address = process.stdout.readline().split()[-1]
    page, fragment = address.split("#")
    assert re.fullmatch(r"/experiments/\d+/runs\?workflowType=machine_learning", fragment)
    with urllib.request.urlopen(page, timeout=10) as answer:
        assert b"MLflow" in answer.read()
    process.terminate()
    process.communicate(timeout=30)
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(page, timeout=2)


def test_data_fetch_says_what_it_got(mnist: LabelledImages) -> None:
    done = ganbench("data", "fetch", "mnist")
    assert done.returncode == 0
    assert f"{len(mnist):,} training" in done.stdout
