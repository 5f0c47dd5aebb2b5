"""Every loss with every penalty can be trained, scored and tracked."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch

from ganbench.data.ring import Ring
from ganbench.methods.losses import LOSSES
from ganbench.methods.penalties import PENALTIES
from ganbench.runs.job import Job
from ganbench.runs.run import run
from ganbench.spec.run_spec import resolve
from ganbench.tracking.memory import MemoryTracker
from tests.runs.test_run import Silent

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
LOSS_SPECS = [{"name": name} for name in LOSSES] + [
    {"name": "f-gan", "divergence": divergence, "generator": generator}
    for divergence in ("reverse-kl", "js", "pearson")
    for generator in ("divergence", "heuristic")
]


@pytest.mark.parametrize("penalty", ["none", *PENALTIES])
@pytest.mark.parametrize("loss", LOSS_SPECS, ids=lambda loss: "-".join(loss.values()))
def test_every_loss_runs_with_every_penalty(loss: dict[str, str], penalty: str, tmp_path: Path) -> None:
    penalties = [] if penalty == "none" else [{"name": penalty}]
    spec = resolve(
        {
            "dataset": {"name": "ring", "points": 2_000},
            "arch": {"name": "pacgan-2d", "generator_widths": [16, 16], "critic_widths": [16], "pieces": 2},
            "loss": loss,
            "penalty": penalties,
            "train": {"steps": 2, "batch_size": 16, "n_critic": 1},
            "evaluation": {"every": 2, "quick_samples": 500, "samples": 500},
        }
    )
    assert [used.name for used in spec.penalties] == [given["name"] for given in penalties]
    tracker = MemoryTracker()
    job = Job(spec, (0, 1), CPU, tmp_path)
    assert isinstance(spec.dataset, Ring)
    statuses = run(job, spec.dataset.load(CPU), tracker, Silent(), threading.Event())
    assert statuses == dict.fromkeys((0, 1), "finished")
