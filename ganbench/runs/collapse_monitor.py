"""Collapse detection during training: the observations of each seed so far, and the events in them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from ganbench.data import Data
from ganbench.evaluation.collapse_detector import Event, collapsed_for
from ganbench.evaluation.history import events_in, from_plain, to_plain
from ganbench.evaluation.observation import Observation, RealBaseline, SampleSummary
from ganbench.evaluation.scorer import Scorer
from ganbench.spec.run_spec import RunSpec

History = dict[str, list[dict[str, Any]]]
"""Observations by seed, as plain values: part of the checkpoint."""


class CollapseMonitor:
    """The observations of all seeds of a run, stored in `history`, and the events in them."""

    def __init__(self, spec: RunSpec, data: Data, scorer: Scorer, history: History) -> None:
        self._spec = spec
        self._data = data
        self._scorer = scorer
        self._history = history

    def observe(self, step: int, seed: int, samples: SampleSummary, statistics: Mapping[str, float]) -> None:
        """Record an observation of a seed's samples, and its critic's outputs."""
        critic = None
        if self._spec.loss.output == "probability":
            critic = (statistics["critic_real"], statistics["critic_fake"])
        self._history.setdefault(str(seed), []).append(to_plain(Observation(step, samples, critic)))

    def events(self, seed: int, diverged_at: int | None = None) -> list[Event]:
        """Return the events of a seed so far."""
        steps = self._spec.train.steps
        divergence = None
        if diverged_at is not None:
            divergence = Event(diverged_at, "divergence", 1.0, "a loss was no longer finite")
        return events_in(self.observations(seed), self._baseline, steps, self._data.mode_names, divergence)

    def gives_up(self, seed: int) -> bool:
        """True if a seed has stayed collapsed for as many evaluations as the spec tolerates."""
        options = self._spec.evaluation
        if options.stop_on != "collapse":
            return False
        return collapsed_for(self.observations(seed), self._baseline) >= options.patience

    def observations(self, seed: int) -> list[Observation]:
        """Return the observations of a seed so far."""
        return list(map(from_plain, self._history.get(str(seed), [])))

    @cached_property
    def _baseline(self) -> RealBaseline:
        return self._scorer.beside_real.baseline(self._spec.evaluation.quick_samples)
