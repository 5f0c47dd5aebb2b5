"""Facts about a run's metrics that a reader needs: what is better, a label, a scale, and which of them come first.

They are tracked with the run, so that reading results takes neither the code of a metric nor its name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field

from ganbench.tracking.metric_names import canonical
from ganbench.tracking.tag_values import table_in, tag_error

METRICS_TAG, HEADLINE_TAG, MODE_COUNT_TAG, EXTRA_TAG = "metrics", "headline", "mode-count", "extra-metrics"
DIRECTIONS_TAG = "directions"
"""The tag of an earlier version that had the directions alone."""
METRIC_TAGS = (METRICS_TAG, HEADLINE_TAG, MODE_COUNT_TAG, EXTRA_TAG, DIRECTIONS_TAG)


@dataclass(frozen=True)
class MetricFacts:
    """Facts about one metric.

    Attributes:
        direction: what is better: `lower`, `higher`, or `real`, nearer to real data.
        label: a noun phrase for people.
        scale: `linear`; `share`, of samples, each counted on its own, so that its sampling noise is known; or `log`, a
            positive number that spans orders of magnitude.
    """

    direction: str
    label: str
    scale: str = "linear"


@dataclass(frozen=True)
class RunMetrics:
    """The metrics of a run.

    Attributes:
        facts: by metric of its protocol; of a run of an earlier version, at most the directions are known.
        headline: the most important metrics of its protocol, in order.
        mode_count: the metric that counts modes; empty if there is none.
        extra: facts by metric outside its protocol.
    """

    facts: Mapping[str, MetricFacts] = field(default_factory=dict)
    headline: Sequence[str] = ()
    mode_count: str = ""
    extra: Mapping[str, MetricFacts] = field(default_factory=dict)
    described: bool = True
    """False for a run of an earlier version, which didn't track the facts."""

    def tags(self) -> dict[str, str]:
        """The tags to track; `metrics_from_tags` converts them back."""
        return {
            METRICS_TAG: _to_json(self.facts),
            HEADLINE_TAG: ",".join(self.headline),
            MODE_COUNT_TAG: self.mode_count,
            **self.extra_tag(),
        }

    def extra_tag(self) -> dict[str, str]:
        """The tag of the extra metrics alone, for a run that has ended; none if there are no extra metrics."""
        return {EXTRA_TAG: _to_json(self.extra)} if self.extra else {}


def metrics_from_tags(tags: Mapping[str, str]) -> RunMetrics:
    """Read the metrics of a run from its tags; names are read as `parse_metric_name` reads those of numbers."""
    described = METRICS_TAG in tags
    return RunMetrics(
        facts=_from_table(tags, METRICS_TAG) if described else _from_directions(tags.get(DIRECTIONS_TAG, "")),
        headline=[canonical(word) for word in tags.get(HEADLINE_TAG, "").split(",") if word],
        mode_count=canonical(tags.get(MODE_COUNT_TAG, "")),
        extra=_from_table(tags, EXTRA_TAG),
        described=described,
    )


def _to_json(facts: Mapping[str, MetricFacts]) -> str:
    return json.dumps({name: astuple(metric) for name, metric in facts.items()}, ensure_ascii=False)


def _from_table(tags: Mapping[str, str], tag: str) -> dict[str, MetricFacts]:
    table = table_in(tags, tag)
    if not all(isinstance(values, list) and len(values) in (2, 3) for values in table.values()):
        raise tag_error(tags, tag, "must have a direction, a label and a scale of each metric")
    return {canonical(name): MetricFacts(*map(str, values)) for name, values in table.items()}


def _from_directions(text: str) -> dict[str, MetricFacts]:
    """Facts from the tag of an earlier version, as in `fid=lower,my-metric=higher`."""
    pairs = (part.partition("=") for part in text.split(",") if part)
    return {canonical(name): MetricFacts(direction, canonical(name).replace("_", " ")) for name, _, direction in pairs}
