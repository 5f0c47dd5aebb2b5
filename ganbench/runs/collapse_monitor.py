"""Collapse detection during training: the observations of each seed so far, and the events in them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from ganbench.data import Data
from ganbench.evaluation.collapse_detector import Event, Observation, RealBaseline, SampleSummary, collapsed_for, detect
from ganbench.evaluation.scorer import Scorer
from ganbench.runs.log_schema import NAMED_MODES
from ganbench.runs.timeline import timeline_figure, write_timeline
from ganbench.spec.run_spec import RunSpec
from ganbench.tracking import RunLog

MAX_TAG_LENGTH = 4000
"""Characters that an MLflow tag holds."""

History = dict[str, list[dict[str, Any]]]
"""Observations by seed, as plain values: part of the checkpoint."""


class CollapseMonitor:
    """The observations of all seeds of a run, stored in `history`, and the events in them."""

    def __init__(self, spec: RunSpec, data: Data, scorer: Scorer, history: History) -> None:
        self._spec = spec
        self._data = data
        self._scorer = scorer
        self._history = history

    def look(self, step: int, seed: int, sight: SampleSummary, statistics: Mapping[str, float]) -> None:
        """Record an observation of a seed's samples, and its critic's outputs."""
        critic = None
        if self._spec.loss.output == "probability":
            critic = (statistics["critic_real"], statistics["critic_fake"])
        look = {"step": step, "sight": asdict(sight), "critic": critic}
        self._history.setdefault(str(seed), []).append(look)

    def events(self, seed: int, diverged_at: int | None = None) -> list[Event]:
        """Return the events of a seed so far."""
        names = self._data.mode_names if len(self._data.mode_names) <= NAMED_MODES else ()
        events = detect(self._looks(seed), self._noise, self._spec.train.steps, names)
        if diverged_at is not None:
            events.append(Event(diverged_at, "divergence", 1.0, "a loss was no longer finite"))
        return events

    def gives_up(self, seed: int) -> bool:
        """True if a seed has stayed collapsed for as many evaluations as the spec tolerates."""
        options = self._spec.evaluation
        return options.stop_on == "collapse" and collapsed_for(self._looks(seed), self._noise) >= options.patience

    def keep(self, log: RunLog, seed: int, diverged_at: int | None) -> None:
        """Track the timeline of a seed as text, as a file and as a heat map."""
        looks, events, names = self._looks(seed), self.events(seed, diverged_at), self._data.mode_names
        log.tags({"events": "; ".join(f"{event.kind} at {event.step}" for event in events)[:MAX_TAG_LENGTH] or "none"})
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "timeline.json"
            write_timeline(path, looks, events, names)
            log.file(path, "timeline")
        if looks:
            log.figure("timeline.png", timeline_figure(looks, events, names, self._data.weights.tolist()))

    def _looks(self, seed: int) -> list[Observation]:
        return [
            Observation(look["step"], SampleSummary(**look["sight"]), tuple(look["critic"]) if look["critic"] else None)
            for look in self._history.get(str(seed), [])
        ]

    @cached_property
    def _noise(self) -> RealBaseline:
        return self._scorer.noise(self._spec.evaluation.quick_samples)
