"""A run to perform, and the observer that is told of its progress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import torch

from ganbench.evaluation.metrics import Metric
from ganbench.evaluation.scorer import Scores
from ganbench.runs.profiling import RunProfile
from ganbench.spec.run_spec import RunSpec
from ganbench.training.trainer import Snapshot


class Observer(Protocol):
    """Receives the progress of a run."""

    def begin(self, seeds: Sequence[int], step: int) -> None:
        """Called when these seeds begin to train together, after `step` steps."""

    def progress(self, snapshot: Snapshot) -> None:
        """Called with each snapshot; reading its statistics synchronises with the device."""

    def scored(self, step: int, scores: Mapping[int, Scores]) -> None:
        """Called when seeds have been scored."""

    def say(self, line: str) -> None:
        """Show a line of text."""


@dataclass(frozen=True)
class Job:
    """A run to perform: its spec, seeds, and how to run them."""

    spec: RunSpec
    seeds: tuple[int, ...]
    device: torch.device
    checkpoints: Path
    force: bool = False
    accelerated: bool = True
    """True if training steps may be recorded and replayed."""
    extra_metrics: Mapping[str, Metric] = field(default_factory=dict)
    """Metrics outside the protocol, by which the final samples are scored as well."""
    profile: RunProfile = field(default_factory=RunProfile)
    """The profile to fill in."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags of each seed's run beside those of its spec: the annotation of an experiment file."""
    keep: str = ""
    """The metric by which the weights of the best evaluation are kept, too; empty for none."""
