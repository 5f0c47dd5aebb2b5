"""A monitor as a callback of the Hugging Face Trainer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from accelerate.utils import broadcast_object_list
from transformers import TrainerCallback

from ganbench.evaluation.monitor import Monitor


class MonitorCallback(TrainerCallback):
    """Measure samples regularly, and stop training once they collapsed.

    The numbers join `state.log_history`. To resume, restore the monitor's `state_dict()` as well.

    Args:
        monitor: a `ganbench.Monitor`.
        generate: function from the model to generated samples; called without gradients.
        every: number of steps between two measurements.
    """

    def __init__(self, monitor: Monitor, generate: Callable[[Any], object], every: int = 500) -> None:
        self.monitor, self.generate, self.every = monitor, generate, every

    def on_step_end(self, args: Any, state: Any, control: Any, *, model: Any = None, **others: Any) -> None:
        if state.global_step % self.every == 0:
            if state.is_world_process_zero:
                with torch.no_grad():
                    numbers = self.monitor(state.global_step, self.generate(model))
                state.log_history.append({**numbers, "step": state.global_step})
            (stop,) = broadcast_object_list([self.monitor.collapsed or self.monitor.diverged])
            control.should_training_stop |= stop
