"""Metrics outside a protocol, by which samples are scored as well."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields

from ganbench.core.errors import GanbenchError
from ganbench.core.settings import parse_component
from ganbench.evaluation.metrics import METRICS, Metric
from ganbench.evaluation.protocols import Case


def create_extra_metrics(texts: Sequence[str]) -> dict[str, Metric]:
    """Create metrics from texts such as `vendi` or `ndb:bins=50`, by the name under which they are tracked.

    Options that aren't the default are part of the name, as in `ndb_bins_50`: with others it is another metric.

    Raises:
        GanbenchError: a metric or an option is unknown, or one is asked for twice.
    """
    metrics: dict[str, Metric] = {}
    for text in texts:
        metric = METRICS.create(parse_component(text))
        if metrics.setdefault(_name(metric), metric) is not metric:
            raise GanbenchError(f"'{text}' is asked for twice")
    return metrics


def check_extra_metrics(metrics: Mapping[str, Metric], case: Case, protocol: str) -> None:
    """Refuse extra metrics that a protocol has already, or that its classifier can't provide features for.

    Args:
        protocol: its name in messages.

    Raises:
        GanbenchError: there is one.
    """
    case.check_metrics(metrics)
    for name in metrics:
        if name in case.metrics:
            raise GanbenchError(f"'{name}' is a metric of the protocol {protocol}, so it is measured anyway")


def _name(metric: Metric) -> str:
    changed = [
        f"{option.name}_{getattr(metric, option.name)}"
        for option in fields(metric)
        if getattr(metric, option.name) != option.default
    ]
    return re.sub(r"\W+", "_", "_".join([metric.name, *changed]))
