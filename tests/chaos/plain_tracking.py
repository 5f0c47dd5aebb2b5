"""What matplotlib and MLflow alone need for the pictures, files and numbers of one tiny run: a yardstick for ours."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

import numpy as np
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

from ganbench.core.plotting import mode_heat_map, mode_histogram, scatter

MODES = [str(mode) for mode in range(8)]
METRICS, PARAMS, TAGS = 48, 60, 40
"""Numbers, settings and tags of a run on the ring."""
TRIES = 20


def seconds_per_run(folder: Path) -> float:
    """The median time of one run in a store of its own, in one process."""
    client = MlflowClient(f"sqlite:///{folder / 'plain.db'}")
    experiment = client.create_experiment("plain", artifact_location=(folder / "plain").as_uri())
    random = np.random.default_rng(0)
    points = random.normal(size=(2_000, 2))
    samples, weights, timeline = folder / "samples.npy", folder / "weights.npy", folder / "timeline.json"
    np.save(samples, random.normal(size=(50_000, 2)).astype("float32"))
    np.save(weights, random.normal(size=1_000).astype("float32"))
    timeline.write_text("[]")
    spent = []
    for number in range(TRIES + 1):
        began = time.monotonic()
        run = client.create_run(experiment, run_name=str(number)).info.run_id
        client.log_batch(
            run,
            params=[Param(f"option {name}", "value") for name in range(PARAMS)],
            tags=[RunTag(f"tag {name}", "value") for name in range(TAGS)],
        )
        for step in (0, 20):
            client.log_batch(run, [Metric(f"metric {name}", 1.0, 0, step) for name in range(METRICS)])
            client.log_image(run, scatter(points, points[:8], 0.1), key="samples", step=step, synchronous=True)
        client.log_figure(run, mode_heat_map([0, 20], [[1.0] * 8] * 2, MODES, [(20, "missing-modes")]), "timeline.png")
        client.log_figure(run, mode_histogram(MODES, [0.125] * 8, [0.1] * 8), "mode-histogram.png")
        for file in (samples, weights, timeline):
            client.log_artifact(run, str(file), file.stem)
        client.set_terminated(run)
        spent.append(time.monotonic() - began)
    return median(spent[1:])  # the first one imports
