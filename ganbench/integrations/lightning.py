"""A monitor as a callback of Lightning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from lightning.pytorch import Callback

from ganbench.evaluation.monitor import Monitor


class MonitorCallback(Callback):
    """Measure and log samples regularly, and stop training once they collapsed; checkpoints hold the record.

    Args:
        monitor: a `ganbench.Monitor`.
        generate: function from the module to generated samples; called without gradients, in the main process.
        every: number of batches between two measurements.
    """

    def __init__(self, monitor: Monitor, generate: Callable[[Any], object], every: int = 500) -> None:
        self.monitor, self.generate, self.every, self.step = monitor, generate, every, 0

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *args: Any) -> None:
        self.step += 1
        if self.step % self.every == 0:
            if trainer.is_global_zero:
                with torch.no_grad():
                    pl_module.log_dict(self.monitor(self.step, self.generate(pl_module)), rank_zero_only=True)
            stop = self.monitor.collapsed or self.monitor.diverged
            trainer.should_stop |= trainer.strategy.reduce_boolean_decision(stop, all=False)

    def state_dict(self) -> dict[str, Any]:
        return {"step": self.step, "monitor": self.monitor.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.step = state_dict["step"]
        self.monitor.load_state_dict(state_dict["monitor"])
