"""The one import that an author of a component needs: registries, base classes, and what helps to write one.

from ganbench.plugin import LOSSES, Loss, register
"""

from __future__ import annotations

from ganbench.core.errors import GanbenchError
from ganbench.core.registry import register
from ganbench.core.seeding import stream
from ganbench.data import DATASETS, Data, Dataset
from ganbench.data.evaluators import Evaluator, Features, Reference
from ganbench.data.mixture import Mixture
from ganbench.evaluation.metrics import METRICS, Metric, UndefinedMetricError
from ganbench.evaluation.protocols import PROTOCOLS, Case, Protocol, Rule
from ganbench.methods.archs import ARCHS, Arch
from ganbench.methods.losses import LOSSES, Loss
from ganbench.methods.penalties import PENALTIES, Critic, Penalty, between, gradient_norms, squared_gradient_norms
from ganbench.methods.wrappers import WRAPPERS, Wrapper

__all__ = [
    "ARCHS",
    "DATASETS",
    "LOSSES",
    "METRICS",
    "PENALTIES",
    "PROTOCOLS",
    "WRAPPERS",
    "Arch",
    "Case",
    "Critic",
    "Data",
    "Dataset",
    "Evaluator",
    "Features",
    "GanbenchError",
    "Loss",
    "Metric",
    "Mixture",
    "Penalty",
    "Protocol",
    "Reference",
    "Rule",
    "UndefinedMetricError",
    "Wrapper",
    "between",
    "gradient_norms",
    "register",
    "squared_gradient_norms",
    "stream",
]
