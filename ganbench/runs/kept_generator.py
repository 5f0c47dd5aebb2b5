"""Generators of tracked runs, from the weights that were kept with them."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast

import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ganbench.core.errors import GanbenchError
from ganbench.core.formatting import seeds_in_words
from ganbench.core.seeding import Purpose
from ganbench.data.evaluators.classifier import to_bytes
from ganbench.data.zips import in_short
from ganbench.evaluation.samples import GeneratorSource, read_samples
from ganbench.evaluation.samples.weights import load_generator
from ganbench.runs.job import Job
from ganbench.runs.reproduce import tracked_spec
from ganbench.spec.run_spec import RunSpec
from ganbench.tracking import Tracker
from ganbench.tracking.mlflow.client import find_artifact, find_run
from ganbench.tracking.store import Store

Which = Literal["last", "best"]
ARTIFACTS: Mapping[Which, str] = {"last": "checkpoint/weights.safetensors", "best": "checkpoint/best.safetensors"}
"""The artifacts with the weights that a run ended with, and those of its best evaluation."""
SCORED = ("finished", "collapsed")
"""Statuses of runs that have weights at their end."""


@dataclass(frozen=True)
class KeptGenerator:
    """The generator of a run.

    Attributes:
        run: id of the run.
        spec: its spec.
        weights: path of the file with its weights.
    """

    run: str
    spec: RunSpec
    weights: Path

    def samples(self, count: int, seed: int, device: torch.device) -> npt.NDArray[Any]:
        """Draw samples that are not among those that runs are scored by.

        Returns:
            Images as bytes, uint8 [N, C, H, W]; points as float32 [N, d].

        Raises:
            GanbenchError: the weights don't fit the spec, or the generator fails.
        """
        samples = generator_samples(self.spec, self.weights, count, seed, "samples", device)
        pixels: npt.NDArray[Any] = (to_bytes(samples) if self.spec.dataset.kind == "images" else samples).numpy()
        return pixels

    @cached_property
    def network(self) -> nn.Module:
        """The generator itself, from latents [N, latent_dim] to samples, in eval mode on the CPU."""
        return load_generator(self.weights, self.spec.dataset.shape, self.spec.arch)


def find_generator(store: Store, run_id: str, which: Which, folder: Path) -> KeptGenerator:
    """Find the generator of a run in a store.

    Args:
        run_id: id of the run or a unique prefix.
        which: which of its weights.
        folder: the folder for its weights if they are on a server.

    Raises:
        GanbenchError: there is no such run, it has no such weights, or its spec can't be resolved any more.
    """
    experiment, record = find_run(store, run_id)
    if not re.fullmatch("[0-9a-f]+", record.id):  # files are named after it
        raise GanbenchError(f"the run '{record.id}' has an id that ganbench doesn't give: somebody has edited its tags")
    if record.status in ("running", "stopped"):
        raise GanbenchError(f"the run '{record.id}' has not come to its end: run the same command again to resume it")
    if record.status == "diverged" and which == "last":
        raise GanbenchError(f"the run '{record.id}' diverged, so that it has no weights at its end")
    spec = tracked_spec(record)
    return KeptGenerator(record.id, spec, find_weights(store, experiment, record.id, which, folder))


def find_weights(store: Store, experiment: str, run_id: str, which: Which, folder: Path) -> Path:
    """Return the path of the file with a run's weights.

    Args:
        folder: the folder for it if it is on a server.

    Raises:
        GanbenchError: the run doesn't have it.
    """
    weights = find_artifact(store, experiment, run_id, ARTIFACTS[which], folder)
    if weights is not None:
        return weights
    if which == "best":
        raise GanbenchError(f"the run '{run_id}' has no best weights: they are kept by the option 'keep' of a run")
    raise GanbenchError(f"the run '{run_id}' has no {ARTIFACTS[which]}: it was deleted, or never kept")


def without_best_weights(job: Job, tracker: Tracker, store: Store, experiment: str) -> str:
    """Say which seeds of a job have finished without keeping the weights that it asks for; empty if none has.

    They are not trained again, so that nothing is kept of them. A server that doesn't answer has no say.
    """
    if not job.keep or job.force:
        return ""
    seeds = []
    with tempfile.TemporaryDirectory() as folder, suppress(GanbenchError):
        for seed in job.seeds:
            run_id = job.spec.run_id(seed)
            if tracker.status(run_id) in SCORED:
                weights = find_artifact(store, experiment, run_id, ARTIFACTS["best"], Path(folder))
                if weights is None or job.keep not in facts_of_weights(weights):
                    seeds.append(seed)
    if not seeds:
        return ""
    have, them = ("has", "it") if len(seeds) == 1 else ("have", "them")
    return (
        f"{seeds_in_words(seeds)} {have} finished without keeping the best weights by '{job.keep}', only the last: "
        f"to keep both, repeat {them} with the option 'force'"
    )


def facts_of_weights(weights: Path) -> dict[str, str]:
    """Return what is recorded in a file with a run's weights: the seed, the step, and a metric if they are the best.

    Raises:
        GanbenchError: the file can't be read.
    """
    try:
        with safe_open(weights, "pt") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise GanbenchError(f"'{weights}' is truncated or altered: {in_short(error)}") from error


def generator_samples(
    spec: RunSpec, weights: Path, count: int, seed: int, purpose: Purpose, device: torch.device
) -> Tensor:
    """Draw samples from a spec's generator with the weights of a file, float32 [N, *shape] on the CPU.

    Args:
        seed, purpose: those of the latents' stream; with "evaluation" and a run's own seed they are what it is scored
            by.
    """
    latent = cast(Literal["normal", "uniform"], spec.arch.latent)
    source = GeneratorSource(count, latent=latent, seed=seed, purpose=purpose, arch=spec.arch, device=device)
    return read_samples(weights, spec.dataset.shape, generator=source).tensor
