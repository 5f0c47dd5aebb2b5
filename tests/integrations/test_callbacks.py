"""Callbacks of training libraries, each in a real training of its library."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import ganbench

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore"),  # these libraries have many of their own
]

SAMPLES, EVERY, STEPS = 500, 2, 12


def monitor() -> ganbench.Monitor:
    """A monitor of a ring that is satisfied with two collapsed calls."""
    return ganbench.Monitor(dataset="ring", samples=SAMPLES, patience=2, device="cpu")


class Generator:
    """A perfect sampler of the ring that repeats one point from some call on."""

    def __init__(self, collapses_at: int | None) -> None:
        self.collapses_at, self.calls, self.with_gradients = collapses_at, 0, False

    def __call__(self, model: Any) -> Tensor:
        self.calls += 1
        self.with_gradients |= torch.is_grad_enabled()
        random = torch.Generator().manual_seed(self.calls)
        angles = 2 * math.pi / 8 * torch.randint(8, (SAMPLES,), generator=random)
        points = torch.stack([angles.cos(), angles.sin()], 1) + 0.01 * torch.randn(SAMPLES, 2, generator=random)
        if self.collapses_at is not None and self.calls >= self.collapses_at:
            points = points[:1].expand(SAMPLES, 2)
        return points


def steps_of(watch: ganbench.Monitor) -> list[int]:
    return [row["step"] for row in watch.state_dict()["rows"]]


def lightning_module() -> Any:
    from lightning.pytorch import LightningModule

    class Module(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(2, 1)

        def training_step(self, batch: Any, number: int) -> Any:
            return self.layer(batch[0]).mean()

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=1e-3)

    return Module()


def fit(folder: Path, callback: Any, steps: int, checkpoint: Path | None = None) -> Any:
    from lightning.pytorch import Trainer

    trainer = Trainer(
        max_steps=steps, callbacks=[callback], accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, default_root_dir=folder,
    )  # fmt: skip
    batches = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.zeros(16, 2)), batch_size=2)
    trainer.fit(lightning_module(), batches, ckpt_path=checkpoint)
    return trainer


def test_lightning(tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    from ganbench.integrations.lightning import MonitorCallback

    healthy = Generator(None)
    callback = MonitorCallback(monitor(), healthy, EVERY)
    trainer = fit(tmp_path, callback, STEPS)
    assert steps_of(callback.monitor) == [2, 4, 6, 8, 10, 12]
    assert not healthy.with_gradients
    assert float(trainer.callback_metrics["modes"]) == 8
    # A checkpoint goes on with steps and record.
    trainer.save_checkpoint(tmp_path / "at12.ckpt")
    resumed = MonitorCallback(monitor(), Generator(2), EVERY)
    trainer = fit(tmp_path, resumed, 30, tmp_path / "at12.ckpt")
    assert steps_of(resumed.monitor) == [2, 4, 6, 8, 10, 12, 14, 16, 18]
    assert trainer.global_step == 18, "it stops after two collapsed calls"
    assert resumed.monitor.collapsed


def test_keras() -> None:
    if os.environ.get("KERAS_BACKEND", "torch") != "torch":
        pytest.skip("this test has Keras run on torch")
    os.environ["KERAS_BACKEND"] = "torch"
    keras = pytest.importorskip("keras")
    from ganbench.integrations.keras import MonitorCallback

    def train(callback: Any) -> None:
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile(optimizer="sgd", loss="mse")
        zeros = torch.zeros(16, 2).numpy()
        model.fit(zeros, zeros[:, :1], batch_size=2, epochs=2, verbose=0, callbacks=[callback])

    callback = MonitorCallback(monitor(), Generator(3), EVERY)
    train(callback)
    assert callback.monitor.collapsed
    assert callback.step == 8
    assert steps_of(callback.monitor) == [2, 4, 6, 8]
    going_on = MonitorCallback(monitor(), Generator(None), EVERY, step=8)
    train(going_on)
    assert steps_of(going_on.monitor) == [10, 12, 14, 16, 18, 20, 22, 24]


def test_transformers(tmp_path: Path) -> None:
    pytest.importorskip("accelerate")
    transformers = pytest.importorskip("transformers")
    from ganbench.integrations.transformers import MonitorCallback

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(2, 1)

        def forward(self, points: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
            return {"loss": self.layer(points).mean()}

    def train(callback: Any) -> Any:
        arguments = transformers.TrainingArguments(
            output_dir=str(tmp_path), max_steps=STEPS, per_device_train_batch_size=2, report_to=[], use_cpu=True,
            save_strategy="no", disable_tqdm=True, logging_strategy="no",
        )  # fmt: skip
        points = [{"points": torch.zeros(2), "labels": torch.zeros(1)} for _ in range(24)]
        trainer = transformers.Trainer(Model(), arguments, train_dataset=points, callbacks=[callback])
        trainer.train()
        return trainer

    healthy = Generator(None)
    callback = MonitorCallback(monitor(), healthy, EVERY)
    logged = [row for row in train(callback).state.log_history if "modes" in row]
    assert [row["step"] for row in logged] == steps_of(callback.monitor) == [2, 4, 6, 8, 10, 12]
    assert {row["modes"] for row in logged} == {8.0}
    assert not healthy.with_gradients
    collapsing = MonitorCallback(monitor(), Generator(3), EVERY)
    assert train(collapsing).state.global_step == 8
    assert collapsing.monitor.collapsed
