"""ganbench: an experiment-tracked benchmark suite for GAN variants and mode collapse.

From Python, `ganbench.evaluate(samples, dataset="mnist", protocol="ganbench-2")` scores samples that anybody made, and
`ganbench.Monitor(dataset="mnist")` watches any training loop for mode collapse. `ganbench.metrics` has the metrics as
functions of arrays, and `ganbench.torchmetrics` as classes of torchmetrics.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ganbench.core.version import __version__

if TYPE_CHECKING:
    from ganbench.evaluation.evaluate import evaluate
    from ganbench.evaluation.monitor import Monitor
    from ganbench.evaluation.score_samples import Evaluation, Score

__all__ = ["Evaluation", "Monitor", "Score", "__version__", "evaluate"]

_MODULES = {
    "Evaluation": "ganbench.evaluation.score_samples",
    "Monitor": "ganbench.evaluation.monitor",
    "Score": "ganbench.evaluation.score_samples",
    "evaluate": "ganbench.evaluation.evaluate",
}
"""Modules of the names that are imported when they are first used: torch takes seconds, which `ganbench --help` should
not wait for.
"""


_SUBMODULES = ("metrics", "torchmetrics")
"""Modules of the public API; the latter takes the extra `torchmetrics`."""


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return import_module(f"ganbench.{name}")
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'ganbench' has no attribute '{name}'")


def __dir__() -> list[str]:
    return [*__all__, *_SUBMODULES]
