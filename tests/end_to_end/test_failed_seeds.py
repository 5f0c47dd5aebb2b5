"""Seeds that collapse or diverge are results: they are scored, counted and reported."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.end_to_end.commands import SMALL, checkpoints, ganbench, read, read_metrics, tags

pytestmark = pytest.mark.usefixtures("one_thread")


def test_collapsed_runs_on_points_are_stopped_scored_and_reported(tmp_path: Path) -> None:
    store = tmp_path / "store"
    args = ["--dataset", "ring:modes=5", "--arch", "mlp:generator_widths=[16],critic_widths=[16]", "--seeds", "0-1"]
    sizes = ["--set", "evaluation.quick_samples=500", "--set", "evaluation.samples=800"]
    # D hardly learns, so G runs off to what D likes most: into one mode.
    ahead = ["--set", "train.critic_lr=1e-7", "--set", "train.generator_lr=1e-2"]
    stop = ["--steps", "300", "--eval-every", "10", "--stop-on", "collapse:3"]
    flags = [*args, *sizes, *ahead, *stop, "--store", str(store)]
    result = ganbench("run", *flags)
    assert result.exit_code == 0, result.stderr
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
    compared = json.loads(read("compare", "--store", store, "--format", "json"))
    (row,), (floor,) = compared["groups"], compared["floors"]
    assert (row["seeds"], row["collapsed"], row["finished"], row["modes_strict"]) == (2, 2, 0, 0)
    assert (floor["modes_strict"], floor["samples"]) == (5, 800)
    before = read_metrics(store)
    again = ganbench("run", *flags)
    assert again.exit_code == 0
    assert read_metrics(store) == before, "a collapsed run must not be resumed"
    read("report", "--store", store, "--out", tmp_path / "reports")


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
    flags = [*SMALL, "--dataset", "ring:points=2000", "--seeds", "0-5", "--steps", "3", "--store", str(tmp_path)]
    result = ganbench("run", "--plugin", plugin, "--loss", "breaks", *flags)
    assert result.exit_code == status, result.stderr
    statuses = tags(tmp_path, "status")
    assert set(statuses) == ({"finished", "diverged"} if status == 0 else {"diverged"})
    (row,) = json.loads(read("compare", "--store", tmp_path, "--format", "json"))["groups"]
    assert (row["seeds"], row["diverged"], row["finished"]) == (
        6,
        statuses.count("diverged"),
        statuses.count("finished"),
    )
    assert result.stdout.count("diverged by step") >= statuses.count("diverged")
    assert checkpoints(tmp_path) == []
