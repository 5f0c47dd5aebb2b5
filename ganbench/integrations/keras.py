"""A monitor as a callback of Keras 3, with any backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from ganbench.evaluation.monitor import Monitor


class MonitorCallback(keras.callbacks.Callback):
    """Measure samples regularly, and stop training once they collapsed or were not finite.

    Keras saves no callbacks: keep `monitor.state_dict()` beside your checkpoint, and state `step` to go on.

    Args:
        monitor: a `ganbench.Monitor`; its sinks get the numbers.
        generate: function from the model to generated samples.
        every: number of batches between two measurements.
        step: number of batches done before.
    """

    def __init__(self, monitor: Monitor, generate: Callable[[Any], Any], every: int = 500, step: int = 0) -> None:
        super().__init__()
        self.monitor, self.generate, self.every, self.step = monitor, generate, every, step

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.step += 1
        if self.step % self.every == 0:
            self.monitor(self.step, keras.ops.convert_to_numpy(self.generate(self.model)))
            if self.monitor.collapsed or self.monitor.diverged:
                self.model.stop_training = True
