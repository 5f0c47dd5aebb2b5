"""On a GPU: the same mathematics as on the CPU. These tests are left out where there is none.

`GANBENCH_TEST_DEVICE=cpu` goes through them without one, as a rehearsal: then only CUDA itself is new there.
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


def on(data: LabelledImages, device: torch.device) -> LabelledImages:
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
def test_recorded_steps_are_plain_steps(settings: dict[str, Any], seeds: tuple[int, ...]) -> None:
    """Twenty steps from the same weights and random numbers: within rounding, the state is the same."""
    device = find_device(DEVICE)
    spec = resolve(small_spec(loss={"name": "non-saturating"}, train={"steps": 20}).to_dict() | settings)
    data = on(random_data(), device)
    *_, recorded = train(spec, seeds, data, device, every=1, accelerated=True)
    *_, plain = train(spec, seeds, data, device, every=1, accelerated=False)
    if DEVICE == "cuda":
        assert recorded.accelerated == "yes"
    for name, values in plain.statistics.items():
        torch.testing.assert_close(recorded.statistics[name], values, rtol=2e-2, atol=2e-3)


@pytest.mark.parametrize("arch", ["mlp", "dcgan"])
@pytest.mark.parametrize("loss", ["minimax", "wgan-gp"])
@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_training_runs_and_resumes(arch: str, loss: str, seeds: tuple[int, ...]) -> None:
    device = find_device(DEVICE)
    spec = resolve(small_spec(loss={"name": loss}, train={"steps": 6}).to_dict() | {"arch": ARCHS_TRIED[arch]})
    data = on(random_data(), device)
    for snapshot in train(spec, seeds, data, device, every=1):
        if snapshot.step == 3:
            taken = {name: tensor.detach().cpu().clone() for name, tensor in snapshot.state.tensors().items()}
    *_, resumed = train(spec, seeds, data, device, every=1, resume=taken, resume_step=3)
    for name, values in snapshot.statistics.items():
        assert values.device.type == DEVICE
        torch.testing.assert_close(resumed.statistics[name], values, rtol=1e-2, atol=1e-3)
    assert resumed.sample(0, 10).isfinite().all()


def test_a_seed_begins_with_the_same_weights_as_on_the_cpu() -> None:
    spec, device = small_spec(), find_device(DEVICE)
    here = next(train(spec, (3,), random_data(), CPU, every=1)).state.tensors()
    there = next(train(spec, (3,), on(random_data(), device), device, every=1)).state.tensors()
    assert all(torch.equal(tensor, there[name].cpu()) for name, tensor in here.items())


@pytest.mark.parametrize("name", list(DATASETS))
def test_the_evaluator_sees_what_it_sees_on_the_cpu(name: str) -> None:
    dataset = DATASETS.create({"name": name})
    samples = torch.rand(300, *dataset.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    device = find_device(DEVICE)
    here, there = dataset.evaluator(CPU)(samples), dataset.evaluator(device)(samples.to(device))
    torch.testing.assert_close(there.embedding.cpu(), here.embedding, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(there.deviation.cpu(), here.deviation, rtol=1e-2, atol=1e-2)
    assert torch.equal(there.labels.cpu(), here.labels)


def test_points_are_the_same_on_every_device() -> None:
    device = find_device(DEVICE)
    here, there = Ring().load(CPU), Ring().load(device)
    assert torch.equal(there.train.cpu(), here.train)
    assert torch.equal(there.reference(100).cpu(), here.reference(100))
    assert torch.equal(there.floor_samples(100, 3).cpu(), here.floor_samples(100, 3))
    *_, snapshot = train(resolve({"dataset": {"name": "ring"}, "train": {"steps": 3}}), (0, 1), there, device, every=1)
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
def test_every_axis_begins_as_on_the_cpu(settings: dict[str, Any]) -> None:
    """The first step from the same weights and the GPU's own random numbers: statistics are of the same size."""
    options = {"steps": 3, "batch_size": 256, "optimizer": "adam"} | settings.get("train", {})
    spec = resolve({"dataset": {"name": "ring"}, **settings, "train": options})
    device = find_device(DEVICE)
    for seeds in ((0,), (0, 1)):
        here, there = (list(train(spec, seeds, Ring().load(on_), on_, every=1)) for on_ in (CPU, device))
        for name, values in there[1].statistics.items():
            assert values.device.type == DEVICE
            torch.testing.assert_close(values.cpu(), here[1].statistics[name], rtol=0.5, atol=0.2)
        assert all(values.isfinite().all() for values in there[-1].statistics.values())
