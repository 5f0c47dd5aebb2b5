"""ganbench: an experiment-tracked benchmark suite for GAN variants and mode collapse.

From Python, `ganbench.evaluate(samples, dataset="mnist", protocol="ganbench-2")` scores samples that anybody made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ganbench.core.version import __version__

if TYPE_CHECKING:
    from ganbench.evaluation.score_samples import Evaluation, Score, evaluate

__all__ = ["Evaluation", "Score", "__version__", "evaluate"]


def __getattr__(name: str) -> Any:
    # Torch takes seconds to import, which `ganbench --help` should not wait for.
    if name in ("Evaluation", "Score", "evaluate"):
        from ganbench.evaluation import score_samples as evaluation

        return getattr(evaluation, name)
    raise AttributeError(f"module 'ganbench' has no attribute '{name}'")
