"""Training on a GPU: the same results as on the CPU. These tests are skipped without a GPU.

`GANBENCH_TEST_DEVICE=cpu` runs them on the CPU as a rehearsal, so that only CUDA itself is untested.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
import torch

from ganbench.core.device import find_device
from ganbench.data import DATASETS
from ganbench.data.labelled import LabelledImages
from ganbench.data.ring import Ring
from ganbench.methods.losses import LOSSES
from ganbench.methods.penalties import PENALTIES
from ganbench.methods.wrappers import WRAPPERS
from ganbench.spec.run_spec import resolve
from ganbench.training.trainer import train
from tests.conftest import random_data, small_spec
from tests.training.test_trainer import ARCHS_TRIED, CPU

DEVICE = os.environ.get("GANBENCH_TEST_DEVICE", "cuda")
pytestmark = pytest.mark.skipif(DEVICE == "cuda" and not torch.cuda.is_available(), reason="there is no GPU")


def on_device(data: LabelledImages, device: torch.device) -> LabelledImages:
    train, train_labels, test, test_labels = (
        tensor.to(device) for tensor in (data.train, data.train_labels, data.test, data.test_labels)
    )
    return LabelledImages(train, train_labels, test, test_labels, data.mode_names)


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
@pytest.mark.parametrize(
    "settings",
    [{}, {"penalty": [{"name": "r1"}, {"name": "r2"}]}, {"loss": {"name": "wgan-gp"}}, {"arch": ARCHS_TRIED["dcgan"]}],
    ids=["plain", "r1+r2", "wgan-gp", "dcgan"],
)
def test_recorded_steps_equal_plain_steps(settings: dict[str, Any], seeds: tuple[int, ...]) -> None:
    """After twenty steps from the same weights and random numbers, statistics are equal up to rounding."""
    device = find_device(DEVICE)
    spec = resolve(small_spec(loss={"name": "non-saturating"}, train={"steps": 20}).to_dict() | settings)
    data = on_device(random_data(), device)
    *_, recorded = train(spec, seeds, data, device, every=1, accelerated=True)
    *_, plain = train(spec, seeds, data, device, every=1, accelerated=False)
    if DEVICE == "cuda":
        assert recorded.accelerated == "yes"
    for name, values in plain.statistics.items():
        torch.testing.assert_close(recorded.statistics[name], values, rtol=2e-2, atol=2e-3)


@pytest.mark.parametrize("arch", ["mlp", "dcgan"])
@pytest.mark.parametrize("loss", ["minimax", "wgan-gp"])
@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_training_resumes_to_the_same_statistics(arch: str, loss: str, seeds: tuple[int, ...]) -> None:
    device = find_device(DEVICE)
    spec = resolve(small_spec(loss={"name": loss}, train={"steps": 6}).to_dict() | {"arch": ARCHS_TRIED[arch]})
    data = on_device(random_data(), device)
    for snapshot in train(spec, seeds, data, device, every=1):
        if snapshot.step == 3:
            saved = {name: tensor.detach().cpu().clone() for name, tensor in snapshot.state.tensors().items()}
    *_, resumed = train(spec, seeds, data, device, every=1, resume=saved, resume_step=3)
    for name, values in snapshot.statistics.items():
        assert values.device.type == DEVICE
        torch.testing.assert_close(resumed.statistics[name], values, rtol=1e-2, atol=1e-3)
    assert resumed.sample(0, 10).isfinite().all()


def test_initial_weights_equal_those_on_the_cpu() -> None:
    spec, device = small_spec(), find_device(DEVICE)
    on_cpu = next(train(spec, (3,), random_data(), CPU, every=1)).state.tensors()
    on_gpu = next(train(spec, (3,), on_device(random_data(), device), device, every=1)).state.tensors()
    assert all(torch.equal(tensor, on_gpu[name].cpu()) for name, tensor in on_cpu.items())


@pytest.mark.parametrize("name", list(DATASETS))
def test_evaluator_features_equal_those_on_the_cpu(name: str) -> None:
    dataset = DATASETS.create({"name": name})
    samples = torch.rand(300, *dataset.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    device = find_device(DEVICE)
    on_cpu, on_gpu = dataset.evaluator(CPU)(samples), dataset.evaluator(device)(samples.to(device))
    torch.testing.assert_close(on_gpu.embedding.cpu(), on_cpu.embedding, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(on_gpu.deviation.cpu(), on_cpu.deviation, rtol=1e-2, atol=1e-2)
    assert torch.equal(on_gpu.labels.cpu(), on_cpu.labels)


def test_points_equal_those_on_the_cpu() -> None:
    device = find_device(DEVICE)
    on_cpu, on_gpu = Ring().load(CPU), Ring().load(device)
    assert torch.equal(on_gpu.train.cpu(), on_cpu.train)
    assert torch.equal(on_gpu.reference(100).cpu(), on_cpu.reference(100))
    assert torch.equal(on_gpu.floor_samples(100, 3).cpu(), on_cpu.floor_samples(100, 3))
    *_, snapshot = train(resolve({"dataset": {"name": "ring"}, "train": {"steps": 3}}), (0, 1), on_gpu, device, every=1)
    assert snapshot.sample(1, 10).shape == (10, 2)
    assert snapshot.sample(1, 10).isfinite().all()


AXES: list[dict[str, Any]] = [
    *({"loss": {"name": name}} for name in LOSSES),
    *({"penalty": [{"name": name}]} for name in PENALTIES),
    *({"wrapper": [{"name": name}]} for name in WRAPPERS),
    {"train": {"unrolled": 2, "n_generator": 2, "pac": 2}},
    {"train": {"ema": 0.2, "instance_noise": 0.1, "lr_decay": 0.1}},
    {"arch": {"name": "pacgan-2d"}},
]


@pytest.mark.parametrize("settings", AXES, ids=lambda settings: str(next(iter(settings.values()))))
def test_first_step_of_every_option_resembles_that_on_the_cpu(settings: dict[str, Any]) -> None:
    """From the same weights, but with other random numbers, statistics have a similar magnitude."""
    options = {"steps": 3, "batch_size": 256, "optimizer": "adam"} | settings.get("train", {})
    spec = resolve({"dataset": {"name": "ring"}, **settings, "train": options})
    device = find_device(DEVICE)
    for seeds in ((0,), (0, 1)):
        on_cpu, on_gpu = (list(train(spec, seeds, Ring().load(target), target, every=1)) for target in (CPU, device))
        for name, values in on_gpu[1].statistics.items():
            assert values.device.type == DEVICE
            torch.testing.assert_close(values.cpu(), on_cpu[1].statistics[name], rtol=0.5, atol=0.2)
        assert all(values.isfinite().all() for values in on_gpu[-1].statistics.values())
