"""Facts about a run's metrics that a reader needs: what is better, a label, a scale, and which of them come first.

They are tracked with the run, so that reading results takes neither the code of a metric nor its name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass

METRIC_TAGS = METRICS_TAG, HEADLINE_TAG, MODE_COUNT_TAG = "metrics", "headline", "mode-count"


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
        facts: by metric.
        headline: the most important metrics of its protocol, in order.
        mode_count: the metric that counts modes; empty if there is none.
    """

    facts: Mapping[str, MetricFacts]
    headline: Sequence[str] = ()
    mode_count: str = ""

    def tags(self) -> dict[str, str]:
        """The tags to track; `from_tags` converts them back."""
        return {
            METRICS_TAG: json.dumps({name: astuple(facts) for name, facts in self.facts.items()}, ensure_ascii=False),
            HEADLINE_TAG: ",".join(self.headline),
            MODE_COUNT_TAG: self.mode_count,
        }


def from_tags(tags: Mapping[str, str]) -> RunMetrics | None:
    """Read the metrics of a run from its tags; None for a run of an earlier version, which has none."""
    if METRICS_TAG not in tags:
        return None
    facts = {str(name): MetricFacts(*map(str, values)) for name, values in json.loads(tags[METRICS_TAG]).items()}
    headline = [name for name in tags.get(HEADLINE_TAG, "").split(",") if name]
    return RunMetrics(facts, headline, tags.get(MODE_COUNT_TAG, ""))
