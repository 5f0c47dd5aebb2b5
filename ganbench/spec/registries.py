"""The registry of each kind of component."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganbench.core.registry import Registry
from ganbench.data import DATASETS
from ganbench.evaluation.metrics import METRICS
from ganbench.evaluation.protocols import PROTOCOLS
from ganbench.methods.archs import ARCHS
from ganbench.methods.losses import LOSSES
from ganbench.methods.penalties import PENALTIES
from ganbench.methods.wrappers import WRAPPERS

REGISTRIES: Mapping[str, Registry[Any]] = {
    "losses": LOSSES,
    "penalties": PENALTIES,
    "archs": ARCHS,
    "wrappers": WRAPPERS,
    "datasets": DATASETS,
    "metrics": METRICS,
    "protocols": PROTOCOLS,
}
