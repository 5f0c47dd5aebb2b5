"""Evaluation of one seed during training: its numbers, the events at this step, and whether it goes on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ganbench.core.verdict_word import word_of
from ganbench.evaluation.collapse_detector import Event
from ganbench.evaluation.metrics import Metric
from ganbench.evaluation.scorer import Scorer, Scores
from ganbench.runs.collapse_monitor import CollapseMonitor
from ganbench.runs.log_schema import (
    named_events,
    named_fair_shares,
    named_scores,
    named_statistics,
    named_values,
    named_verdict,
    verdict_tags,
)
from ganbench.spec.run_spec import RunSpec
from ganbench.tracking import Status
from ganbench.training.trainer import Snapshot


@dataclass(frozen=True)
class SeedEvaluation:
    """The evaluation of one seed at one step.

    Attributes:
        status: `running`, or the status that the seed ends with at this step.
        scores: the scores of its samples, of all metrics if the seed ends here; None if it has diverged.
        numbers: scores, training statistics and events by tracked name; none if it has diverged.
        events: the events at this step.
        verdict: tags for the verdict on its samples, if it ends here.
    """

    status: Status
    scores: Scores | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)
    events: Sequence[Event] = ()
    verdict: Mapping[str, str] = field(default_factory=dict)


class SeedScorer:
    """Scores seeds of snapshots, and decides which of them end: as diverged, collapsed or finished."""

    def __init__(
        self,
        spec: RunSpec,
        mode_names: Sequence[str],
        scorer: Scorer,
        monitor: CollapseMonitor,
        extra: Mapping[str, Metric],
    ) -> None:
        self._spec = spec
        self._mode_names = mode_names
        self._scorer = scorer
        self._monitor = monitor
        self._extra = extra

    @cached_property
    def _extra_scorer(self) -> Scorer:
        return self._scorer.with_metrics(self._extra)

    def score(self, snapshot: Snapshot, row: int, seed: int, statistics: Mapping[str, float]) -> SeedEvaluation:
        """Score the seed at `row`, and show its samples to the collapse monitor.

        Args:
            statistics: its training statistics since the last evaluation, by name.
        """
        options, step = self._spec.evaluation, snapshot.step
        last = step == self._spec.train.steps
        samples = snapshot.sample(row, options.samples if last else options.quick_samples)
        # The mean is not finite if any step's statistics weren't; and a network can break before its loss shows it.
        if not all(map(math.isfinite, statistics.values())) or not bool(samples.isfinite().all()):
            return SeedEvaluation("diverged")
        features = self._scorer.evaluator(samples)
        first = features.first(options.quick_samples)
        scores = self._scorer.score(first, quick=True)
        numbers = named_scores(scores, self._mode_names, "quick") | named_statistics(statistics)
        self._monitor.observe(step, seed, self._scorer.beside_real.summary(first), statistics)
        tags: dict[str, str] = {}
        given_up = not last and self._monitor.gives_up(seed)
        if given_up:
            features = self._scorer.evaluator(snapshot.sample(row, options.samples))
        if last or given_up:
            scores = self._scorer.score(features)
            numbers |= named_scores(scores, self._mode_names, "final")
            numbers |= named_fair_shares(self._mode_names, self._scorer.fair_shares)
            verdict = self._scorer.beside_real.verdict(features)
            numbers |= named_verdict(verdict)
            tags = verdict_tags(word_of(verdict), verdict.clauses(self._spec.dataset.mode_word))
            if self._extra:
                numbers |= named_values(self._extra_scorer.score(features), "extra")
        events = [event for event in self._monitor.events(seed) if event.step == step]
        status: Status = "finished" if last else "collapsed" if given_up else "running"
        return SeedEvaluation(status, scores, numbers | named_events(events), events, tags)
