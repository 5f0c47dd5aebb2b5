"""Recorded steps: a recording is verified before it is used; otherwise training continues with plain steps."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from ganbench.methods.losses import LOSSES
from ganbench.methods.losses.non_saturating import NonSaturating
from ganbench.methods.penalties import PENALTIES
from ganbench.methods.wrappers import WRAPPERS
from ganbench.spec.run_spec import RunSpec
from ganbench.training import trainer
from ganbench.training.accelerate import WARM_UP, PlainStep, Recorded, accelerate, why_not
from ganbench.training.random_inputs import InputSampler
from ganbench.training.schedule import plan
from ganbench.training.state import State
from ganbench.training.step import Step, StepInputs
from ganbench.training.trainer import train
from tests.conftest import random_data, small_spec

pytestmark = pytest.mark.usefixtures("one_thread")

CPU, GPU = torch.device("cpu"), torch.device("cuda")
Statistics = dict[str, Tensor]
acceleration_log: list[str] = []
"""For each training here, in order, whether it was accelerated."""


class Tape:
    """A stand-in for a CUDA graph: it repeats a function on its recorded inputs, in place."""

    def __init__(self, fault: Callable[[], None] = lambda: None) -> None:
        self.replays = 0
        self._fault = fault

    def record(self, function: Callable[[], Statistics]) -> tuple[Callable[[], None], Statistics]:
        outputs: Statistics = {}

        def replay() -> None:
            self.replays += 1
            outputs.update(function())
            self._fault()

        return replay, outputs


def train_to_end(spec: RunSpec, monkeypatch: pytest.MonkeyPatch, record: Any = None) -> dict[str, Tensor]:
    """The state after training, with steps recorded by `record`."""
    if record is not None:
        monkeypatch.setattr(trainer, "accelerate", lambda step, spec, state, device, _: Recorded(step, state, record))
    *_, snapshot = train(spec, (0, 5), random_data(), CPU, every=1, accelerated=record is not None)
    acceleration_log.append(snapshot.accelerated)
    return {name: tensor.clone() for name, tensor in snapshot.state.tensors().items()}


@pytest.mark.parametrize("loss", ["minimax", "wgan-gp", "r3gan"])
def test_recorded_steps_equal_plain_steps(loss: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = small_spec(
        loss={"name": loss}, train={"steps": 50, "generator_betas": [0.5, 0.9], "critic_betas": [0.5, 0.9]}
    )
    tape = Tape()
    plain = train_to_end(spec, monkeypatch)
    recorded = train_to_end(spec, monkeypatch, tape.record)
    assert acceleration_log[-2:] == ["no, because it was switched off", "yes"]
    assert tape.replays == 50 - WARM_UP
    assert all(torch.equal(recorded[name], tensor) for name, tensor in plain.items())


def test_recording_with_different_results_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = small_spec(train={"steps": 12})
    state: list[Tensor] = []

    def spoil() -> None:
        state[0].add_(1.0)

    tape = Tape(spoil)
    original_init = Recorded.__init__

    def keep_state(self: Recorded, step: Any, train_state: Any, record: Any) -> None:
        state[:] = [train_state.generator.trained[next(iter(train_state.generator.trained))]]
        original_init(self, step, train_state, record)

    monkeypatch.setattr(Recorded, "__init__", keep_state)
    recorded = train_to_end(spec, monkeypatch, tape.record)
    assert tape.replays == 1
    assert acceleration_log[-1].startswith("no, because the recording was off by ")
    monkeypatch.undo()
    assert all(torch.equal(recorded[name], tensor) for name, tensor in train_to_end(spec, monkeypatch).items())


def test_unrecordable_step_falls_back_to_plain_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(function: Callable[[], Statistics]) -> tuple[Callable[[], None], Statistics]:
        raise RuntimeError("operation not permitted when stream is capturing")

    spec = small_spec(train={"steps": 12})
    recorded = train_to_end(spec, monkeypatch, refuse)
    assert acceleration_log[-1] == "no, because it can't be recorded: operation not permitted when stream is capturing"
    monkeypatch.undo()
    assert all(torch.equal(recorded[name], tensor) for name, tensor in train_to_end(spec, monkeypatch).items())


@pytest.mark.parametrize(
    ("train", "reason"),
    [
        ({"unrolled": 1}, "unrolling"),
        ({"optimizer": "sgd"}, "sgd takes its learning rate"),
        ({"instance_noise": 0.1}, "instance noise"),
        ({"critic_betas": [0.0, 0.9, 0.99]}, "the second beta"),
    ],
    ids=lambda given: next(iter(given)) if isinstance(given, dict) else "",
)
def test_options_that_change_values_outside_tensors_are_not_recorded(train: dict[str, Any], reason: str) -> None:
    assert why_not(small_spec(), GPU) == ""
    assert why_not(small_spec(train=train), GPU).startswith(reason)


def test_steps_are_not_recorded_on_a_cpu() -> None:
    def step(inputs: StepInputs) -> Statistics:
        return {}

    *_, snapshot = train(small_spec(), (0,), random_data(), CPU, every=100)
    cpu_step = accelerate(step, small_spec(), snapshot.state, CPU, True)
    assert isinstance(cpu_step, PlainStep)
    assert cpu_step.words == snapshot.accelerated == "no, because steps are only recorded on a GPU"


EVERY_PART = [
    *({"loss": {"name": name}} for name in LOSSES),
    *({"loss": {"name": "non-saturating"}, "penalty": {"name": name}} for name in PENALTIES),
    *({"loss": {"name": "non-saturating"}, "wrapper": [{"name": name}]} for name in WRAPPERS),
    {"loss": {"name": "non-saturating"}, "train": {"ema": 0.9, "n_critic": 2, "unrolled": 2, "pac": 2}},
]


def statistics_without_values(spec: RunSpec, seeds: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> Statistics:
    """Run a step on tensors that have a shape and no values; reading a value raises."""
    monkeypatch.setattr(
        torch, "autocast", lambda *_, **__: contextlib.nullcontext()
    )  # it doesn't support the meta device
    data, values = random_data(), plan(spec, 0)
    sampler = InputSampler(spec, seeds, data)
    inputs = StepInputs(list(sampler.critic(0, values)), list(sampler.generator(0, values)))
    inputs = tree_map(lambda value: value.to("meta") if isinstance(value, Tensor) else value, inputs)
    state = State(spec, seeds, data.shape, torch.device("meta"))
    state.apply_schedule(values)
    statistics = Step(spec, state)(inputs)
    state.finish_step(values.keep)
    return statistics


@pytest.mark.parametrize("seeds", [(0,), (0, 5)], ids=["alone", "together"])
@pytest.mark.parametrize("settings", EVERY_PART, ids=str)
def test_no_step_waits_for_the_device(
    settings: dict[str, Any], seeds: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step that reads no tensor values never waits for the device, and so can be recorded."""
    spec = small_spec(**settings)
    for values in statistics_without_values(spec, seeds, monkeypatch).values():
        assert values.is_meta
        assert values.shape == (len(seeds),)


def test_loss_that_waits_for_the_device_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    original_loss = NonSaturating.generator_loss

    def waiting_loss(self: NonSaturating, *args: Any, **options: Any) -> Tensor:
        loss = original_loss(self, *args, **options)
        return loss if float(loss) > 0 else -loss

    monkeypatch.setattr(NonSaturating, "generator_loss", waiting_loss)
    with pytest.raises(RuntimeError, match="meta"):
        statistics_without_values(small_spec(loss={"name": "non-saturating"}), (0,), monkeypatch)
