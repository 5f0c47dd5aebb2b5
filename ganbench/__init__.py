"""ganbench: an experiment-tracked benchmark suite for GAN variants and mode collapse.

From Python, `ganbench.run(loss="minimax", arch="mlp")` trains a GAN and `ganbench.sweep("balance")` an experiment, as
the commands do, and `ganbench.sample(run)` draws samples from what was trained.
`ganbench.evaluate(samples, dataset="mnist", protocol="ganbench-2")` scores samples that anybody made, and
`ganbench.Monitor(dataset="mnist")` watches any training loop for mode collapse. `ganbench.load_results()`,
`ganbench.compare(table)` and `ganbench.report()` read what was tracked. `ganbench.metrics` has the metrics as functions
of arrays, and `ganbench.torchmetrics` as classes of torchmetrics. Every error that the user can fix is a
`ganbench.GanbenchError`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ganbench.core.version import __version__

if TYPE_CHECKING:
    from ganbench.cli.from_python import run, sweep
    from ganbench.core.errors import GanbenchError
    from ganbench.evaluation.evaluate import evaluate
    from ganbench.evaluation.monitor import Monitor
    from ganbench.evaluation.score_samples import Evaluation, Score
    from ganbench.results.compare import Comparison, compare
    from ganbench.results.read_results import load_results
    from ganbench.results.report.experiment_report import report
    from ganbench.runs.sample import sample

__all__ = [
    "Comparison",
    "Evaluation",
    "GanbenchError",
    "Monitor",
    "Score",
    "__version__",
    "compare",
    "evaluate",
    "load_results",
    "report",
    "run",
    "sample",
    "sweep",
]

_MODULES = {
    "Comparison": "ganbench.results.compare",
    "Evaluation": "ganbench.evaluation.score_samples",
    "GanbenchError": "ganbench.core.errors",
    "Monitor": "ganbench.evaluation.monitor",
    "Score": "ganbench.evaluation.score_samples",
    "compare": "ganbench.results.compare",
    "evaluate": "ganbench.evaluation.evaluate",
    "load_results": "ganbench.results.read_results",
    "report": "ganbench.results.report.experiment_report",
    "run": "ganbench.cli.from_python",
    "sample": "ganbench.runs.sample",
    "sweep": "ganbench.cli.from_python",
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
