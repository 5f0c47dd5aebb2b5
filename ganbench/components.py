"""Every kind of component, with the registry that holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganbench.archs import ARCHS
from ganbench.data import DATASETS
from ganbench.losses import LOSSES
from ganbench.metrics import METRICS
from ganbench.penalties import PENALTIES
from ganbench.protocols import PROTOCOLS
from ganbench.registry import Registry
from ganbench.wrappers import WRAPPERS

KINDS: Mapping[str, Registry[Any]] = {
    "losses": LOSSES,
    "penalties": PENALTIES,
    "archs": ARCHS,
    "wrappers": WRAPPERS,
    "datasets": DATASETS,
    "metrics": METRICS,
    "protocols": PROTOCOLS,
}
