"""Names under which a run's numbers are tracked: one codec writes and parses them.

A name says of what kind a number is, and its role if it stands beside a value: `fid`, `floor/fid`, `floor_sd/fid`,
`quick/fid`, `quick/ceiling/modes`, `extra/vendi`, `verdict/good`, `train/critic_loss`, `event/duplicates`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args

Kind = Literal["final", "quick", "extra", "verdict", "train", "event"]
"""Kinds of numbers.

`final`: scores of the protocol from its full number of samples. `quick`: the same from fewer samples, during training.
`extra`: scores of the final samples by metrics outside the protocol. `verdict`: the numbers of the verdict on the final
samples, with those of real samples as floors. `train`: statistics of training. `event`: findings
of the collapse detector, with the kind of event as the metric and its severity as the value.
"""
KINDS: tuple[Kind, ...] = get_args(Kind)
SCORES: tuple[Kind, ...] = ("final", "quick", "extra", "verdict")
"""The kinds that are scores of samples; they have floors and ceilings."""

Role = Literal["value", "floor", "floor_sd", "ceiling"]
"""Roles: the score of samples, that of real samples, its standard deviation among several sets of them, and the best
possible score.
"""
BESIDE: tuple[Role, ...] = ("floor", "floor_sd", "ceiling")
"""The roles of numbers that stand beside a value, and have a column of their own."""

SAMPLE_COUNT = "sample_count"
"""The number of samples that were scored, tracked beside their scores."""
SECONDS = "seconds"
"""Seconds of training so far: a statistic of training that becomes a column."""
MODE, GOOD = "mode/", "good/"
"""Prefixes of the shares of samples, and of good samples, in each mode; the first has the fair share as its floor."""
OLD_SD = "_sd"
"""Suffix by which an earlier version tracked the deviations of the verdict's floors: `verdict/good_sd`."""


class MetricName(NamedTuple):
    """A tracked name."""

    kind: Kind
    metric: str
    role: Role = "value"

    def __str__(self) -> str:
        return f"{PREFIXES[self.kind]}{'' if self.role == 'value' else f'{self.role}/'}{self.metric}"

    @property
    def is_score(self) -> bool:
        """True for the score of a metric; counts and shares of samples beside the scores are none."""
        return self.kind in SCORES and self.metric != SAMPLE_COUNT and not self.metric.startswith((MODE, GOOD))

    @property
    def stands_beside_scores(self) -> bool:
        """True for floors, their deviations, ceilings, and for counts and shares of samples."""
        return self.kind in SCORES and (self.role != "value" or not self.is_score)


PREFIXES: dict[Kind, str] = {kind: "" if kind == "final" else f"{kind}/" for kind in KINDS}


def parse_metric_name(name: str) -> MetricName:
    """Parse a tracked name; earlier versions wrote hyphens where there are underscores now."""
    first, _, rest = name.partition("/")
    kind: Kind = next((kind for kind in KINDS[1:] if kind == first), "final")
    metric = name if kind == "final" else rest
    if kind == "event" or metric.startswith((MODE, GOOD)):
        return MetricName(kind, metric)
    role: Role = "value"
    if kind in SCORES:
        first, _, rest = metric.partition("/")
        role = next((role for role in BESIDE if role == first), "value")
        metric = metric if role == "value" else rest
    if kind == "verdict" and metric.endswith(OLD_SD):
        return MetricName(kind, metric.removesuffix(OLD_SD), "floor_sd")
    return MetricName(kind, metric if metric.startswith(MODE) else canonical(metric), role)


def canonical(metric: str) -> str:
    """The name of a metric as it is written now: earlier versions, and people, write hyphens."""
    return metric.replace("-", "_")


def names_of_scores(metrics: Iterable[str]) -> set[str]:
    """All names under which scores of these metrics may be tracked, those of earlier versions included."""
    spelled = {spelling for metric in metrics for spelling in (metric, metric.replace("_", "-"))}
    return {str(MetricName(kind, metric, role)) for kind in SCORES for metric in spelled for role in ("value", *BESIDE)}
