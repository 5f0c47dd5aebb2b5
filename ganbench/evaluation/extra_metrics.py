"""Metrics outside a protocol, by which samples are scored as well."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from typing import Any

from ganbench.core.errors import GanbenchError
from ganbench.core.mode_words import without_noun
from ganbench.core.settings import parse_component, parse_value
from ganbench.evaluation.metrics import METRICS, Metric
from ganbench.evaluation.protocols import Case


def create_extra_metrics(texts: Sequence[str]) -> dict[str, Metric]:
    """Create metrics from texts such as `vendi` or `ndb:bins=50`, by the name under which they are tracked.

    Options that aren't the default are part of the name, as in `ndb_bins_50`: with others it is another metric. Such a
    name, as tables show it, is understood as well.

    Raises:
        GanbenchError: a metric or an option is unknown, or one is asked for twice.
    """
    metrics: dict[str, Metric] = {}
    for text in texts:
        metric = METRICS.create(_component(text))
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


def _component(text: str) -> dict[str, Any]:
    """Read a metric as it is written or as tables show it, with clusters for modes or its options in the name."""
    written = parse_component(text)
    written["name"] = without_noun(written["name"], METRICS)
    for name, metric in METRICS.items() if written["name"] not in METRICS else ():
        options = "".join(rf"(?:_{option.name}_(?P<{option.name}>\w+?))?" for option in fields(metric))
        match = re.fullmatch(re.escape(name) + options, text)
        texts = {option: value for option, value in match.groupdict().items() if value} if match else {}
        # A decimal point was replaced, too.
        shown = {"name": name, **{option: parse_value(value.replace("_", ".")) for option, value in texts.items()}}
        with suppress(GanbenchError):
            if match and _name(METRICS.create(shown)) == text:
                return shown
    return written


def _name(metric: Metric) -> str:
    changed = [
        f"{option.name}_{getattr(metric, option.name)}"
        for option in fields(metric)
        if getattr(metric, option.name) != option.default
    ]
    return re.sub(r"\W+", "_", "_".join([metric.name, *changed]))
