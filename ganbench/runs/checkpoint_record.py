"""The part of a checkpoint besides the tensors."""

from __future__ import annotations

from dataclasses import dataclass, field

from ganbench.runs.collapse_monitor import History
from ganbench.runs.seed_scorer import SeedEvaluation
from ganbench.tracking import Status

ADDED = ("group", "environments", "verdicts", "keep", "best")
"""Fields that checkpoints of earlier versions lack."""


@dataclass
class CheckpointRecord:
    """Everything besides the tensors that an interrupted ensemble needs, stored as JSON.

    Its fields must keep their names and meaning, so that runs which an earlier version began can be resumed.
    """

    seeds: list[int]
    step: int = 0
    seconds: float = 0.0
    """Total training time of all seeds so far, without evaluation."""
    looks: int = 0
    """Number of snapshots whose statistics were summed since the last evaluation."""
    sums: dict[str, list[float]] = field(default_factory=dict)
    """The sums of these statistics, by name and seed."""
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    """Numbers of the evaluation at this step, by seed."""
    diverged: dict[str, int] = field(default_factory=dict)
    """The step at which a seed's loss was no longer finite, by seed."""
    collapsed: dict[str, int] = field(default_factory=dict)
    """The step at which a seed was stopped early as collapsed, by seed."""
    history: History = field(default_factory=dict)
    """Observations of the collapse monitor so far, by seed."""
    group: str = ""
    """Group id of the spec; empty if an earlier version wrote it, as the next fields are."""
    environments: list[dict[str, str]] = field(default_factory=list)
    """The environments in which it was trained, in order."""
    verdicts: dict[str, dict[str, str]] = field(default_factory=dict)
    """Tags for the verdict on a seed that has ended with scores, by seed."""
    keep: str = ""
    """The metric by which the best evaluation's weights are kept; empty for none."""
    best: dict[str, dict[str, float]] = field(default_factory=dict)
    """Step, value and loss of each seed's best evaluation by it; the weights are in the checkpoint."""

    def add(self, seed: int, evaluation: SeedEvaluation) -> None:
        """Add the evaluation of a seed at this step."""
        if evaluation.status == "diverged":
            self.diverged[str(seed)] = self.step
            return
        if evaluation.status == "collapsed":
            self.collapsed[str(seed)] = self.step
        self.metrics[str(seed)] = dict(evaluation.numbers)
        if evaluation.verdict:
            self.verdicts[str(seed)] = dict(evaluation.verdict)

    def status(self, seed: int, otherwise: Status) -> Status:
        """Return the status with which a seed ended early, or else the given one."""
        if str(seed) in self.diverged:
            return "diverged"
        return "collapsed" if str(seed) in self.collapsed else otherwise
