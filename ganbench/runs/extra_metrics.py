"""Metrics outside a run's protocol, by which its final samples are scored as well."""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.core.errors import GanbenchError
from ganbench.core.settings import parse_component
from ganbench.evaluation.metrics import METRICS, Metric
from ganbench.spec.run_spec import RunSpec


def create_extra_metrics(texts: Sequence[str], spec: RunSpec) -> dict[str, Metric]:
    """Create metrics from texts such as `vendi` or `ndb:bins=50`, by name.

    Raises:
        GanbenchError: a metric is unknown, or the protocol has it already.
    """
    metrics: dict[str, Metric] = {}
    for text in texts:
        metric = METRICS.create(parse_component(text))
        if metric.name in spec.case.metrics:
            raise GanbenchError(
                f"'{metric.name}' is a metric of the protocol {spec.protocol_label}, so it is measured anyway, with "
                f"the protocol's options"
            )
        if metric.name in metrics:
            raise GanbenchError(f"'{metric.name}' is asked for twice: name it once, with its options")
        metrics[metric.name] = metric
    return metrics
