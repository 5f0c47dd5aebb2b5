"""Final artifacts of a seed: weights, samples, their distribution over modes, and the timeline of its modes."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors.torch import save_file

from ganbench.data import Data
from ganbench.data.evaluators.classifier import to_bytes
from ganbench.evaluation.collapse_detector import Event
from ganbench.evaluation.history import NAMED_MODES
from ganbench.evaluation.observation import Observation
from ganbench.evaluation.timeline import timeline_figure, write_timeline
from ganbench.tracking import RunLog
from ganbench.training.trainer import Snapshot

KEPT_IMAGES = 1000
KEPT_POINTS = 50_000


def keep_artifacts(
    log: RunLog, data: Data, snapshot: Snapshot, row: int, seed: int, metrics: Mapping[str, float], mode_word: str
) -> None:
    """Track the artifacts of the seed at `row`.

    Args:
        metrics: its final scores by tracked name, from which the histogram is drawn.
        mode_word: the plural noun for modes.
    """
    names = data.mode_names
    if len(names) <= NAMED_MODES:
        from ganbench.core.plotting import mode_histogram  # a third of a second, not needed before the first step

        every, good = ([metrics[f"{kind}/{name}"] for name in names] for kind in ("mode", "good"))
        log.figure("mode-histogram.png", mode_histogram(names, every, good, mode_word))
    images = len(data.shape) == 3
    final_samples = snapshot.sample(row, KEPT_IMAGES if images else KEPT_POINTS)
    with tempfile.TemporaryDirectory() as folder:
        weights, samples = Path(folder) / "weights.safetensors", Path(folder) / "samples.npy"
        tensors = {name: tensor[row].detach().cpu() for name, tensor in snapshot.state.tensors().items()}
        save_file(tensors, weights, metadata={"seed": str(seed), "step": str(snapshot.step)})
        np.save(samples, (to_bytes(final_samples) if images else final_samples).cpu().numpy(), allow_pickle=False)
        log.file(weights, "checkpoint")
        log.file(samples, "samples")


def keep_timeline(
    log: RunLog, data: Data, observations: Sequence[Observation], events: Sequence[Event], mode_word: str
) -> None:
    """Track the timeline of a seed's modes as a file and as a heat map.

    Args:
        mode_word: the plural noun for modes.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "timeline.json"
        write_timeline(path, observations, events, data.mode_names)
        log.file(path, "timeline")
    if observations:
        figure = timeline_figure(observations, events, data.mode_names, data.weights.tolist(), mode_word)
        log.figure("timeline.png", figure)
