"""Sinks of a monitor's numbers: the active MLflow run, a TensorBoard writer, or any function."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence

from ganbench.core.errors import GanbenchError

Sink = Callable[[int, Mapping[str, float]], object]
"""A function that is given a step and its numbers."""


def sinks_for(mlflow: bool, tensorboard: object | None, others: Sequence[Sink]) -> list[Sink]:
    """The sinks that were asked for.

    Args:
        tensorboard: anything with `add_scalar(name, value, step)`.

    Raises:
        GanbenchError: there is no active run of MLflow, or the writer is none.
    """
    sinks = list(others)
    if mlflow:
        active_run()
        sinks.append(to_active_run)
    if tensorboard is not None:
        add_scalar = getattr(tensorboard, "add_scalar", None)
        if not callable(add_scalar):
            raise GanbenchError("tensorboard must be a SummaryWriter: it has no add_scalar")
        sinks.append(lambda step, numbers: [add_scalar(name, value, step) for name, value in numbers.items()])
    if not all(map(callable, sinks)):
        raise GanbenchError("a sink must be a function of a step and its numbers")
    return sinks


def active_run() -> Callable[..., object]:
    """MLflow's function that logs to the active run.

    MLflow isn't imported: where a run is active, somebody has done it. Without one, MLflow would start a run unasked.

    Raises:
        GanbenchError: no run is active.
    """
    module = sys.modules.get("mlflow")
    if module is None or module.active_run() is None:
        raise GanbenchError("mlflow=True needs an active run: call mlflow.start_run() first")
    log: Callable[..., object] = module.log_metrics
    return log


def to_active_run(step: int, numbers: Mapping[str, float]) -> None:
    """Log numbers to the active run of MLflow."""
    active_run()(dict(numbers), step=step)
