"""What every component must hold to, whoever wrote it: built-in ones and those of `--plugin FILE`."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from ganbench.archs import ARCHS
from ganbench.config import resolve
from ganbench.data import DATASETS
from ganbench.listing import KINDS
from ganbench.losses import LOSSES, Loss
from ganbench.metrics import METRICS
from ganbench.metrics.evaluator import Features
from ganbench.penalties import PENALTIES
from ganbench.protocols import PROTOCOLS
from ganbench.registry import Component
from ganbench.train.trainer import train
from tests.conftest import random_data, small_spec

ALL = [(kind, name) for kind, registry in KINDS.items() for name in registry]


def make_loss(name: str) -> Loss:
    return LOSSES.create({"name": name})


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_a_component_can_be_made_described_and_made_again(kind: str, name: str) -> None:
    registry = KINDS[kind]
    component: Component = registry.create({"name": name})
    assert dataclasses.is_dataclass(type(component))
    assert registry.create(component.to_spec()) == component, "to_spec() does not describe all of it"


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_its_first_line_says_what_it_is_and_where_it_comes_from(kind: str, name: str) -> None:
    summary = KINDS[kind][name].summary()
    assert len(summary) > 20, f"the docstring of '{name}' should begin with a line about it"
    assert summary.rstrip(".").endswith(")"), f"the first line of '{name}' should end with its source in brackets"


@pytest.mark.parametrize("name", list(LOSSES))
def test_losses_are_scalar_finite_and_differentiable_even_for_extreme_logits(name: str) -> None:
    loss = make_loss(name)
    for level in (-50.0, 0.0, 50.0):
        real = torch.full((4,), -level, requires_grad=True)
        fake = torch.full((4,), level, requires_grad=True)
        for value in (loss.critic_loss(real, fake), loss.generator_loss(fake, real)):
            assert value.shape == (), "a loss is the mean over the batch, a scalar"
            assert value.isfinite()
            (gradient,) = torch.autograd.grad(value, fake, retain_graph=True)
            assert gradient.isfinite().all()


@pytest.mark.parametrize("name", list(LOSSES))
def test_losses_are_means_so_that_repeating_the_batch_changes_nothing(name: str) -> None:
    loss = make_loss(name)
    real, fake = torch.randn(6), torch.randn(6)
    for value, twice in (
        (loss.critic_loss(real, fake), loss.critic_loss(real.repeat(2), fake.repeat(2))),
        (loss.generator_loss(fake, real), loss.generator_loss(fake.repeat(2), real.repeat(2))),
    ):
        torch.testing.assert_close(value, twice)


@pytest.mark.parametrize("name", list(LOSSES))
def test_the_networks_pull_in_opposite_directions(name: str) -> None:
    """The critic lowers logits of generated samples and raises those of real ones; the generator raises its own."""
    loss = make_loss(name)
    real = torch.zeros(5, requires_grad=True)
    fake = torch.zeros(5, requires_grad=True)
    on_real, on_fake = torch.autograd.grad(loss.critic_loss(real, fake), (real, fake))
    (generator,) = torch.autograd.grad(loss.generator_loss(fake, real.detach()), fake)
    assert (on_real < 0).all()
    assert (on_fake > 0).all()
    assert (generator < 0).all()


@pytest.mark.parametrize("name", [name for name in LOSSES if not LOSSES[name].paired])
def test_a_loss_that_is_not_paired_ignores_real_samples_in_the_generator(name: str) -> None:
    loss = make_loss(name)
    fake = torch.randn(5)
    torch.testing.assert_close(loss.generator_loss(fake, torch.randn(5)), loss.generator_loss(fake, torch.empty(0)))


@pytest.mark.parametrize("name", list(LOSSES))
def test_the_recipe_of_a_loss_is_made_of_real_options(name: str) -> None:
    spec = resolve({"loss": {"name": name}})
    assert spec.loss.name == name
    assert len(spec.penalties) == len(spec.loss.penalties)


@pytest.mark.parametrize("name", list(PENALTIES))
def test_penalties_work_under_vmap_and_their_second_derivatives_are_right(name: str) -> None:
    penalty = PENALTIES.create({"name": name})
    weights = torch.randn(3, 4, 2, dtype=torch.float64, requires_grad=True)  # three seeds
    real, fake = torch.randn(2, 3, 5, 4, dtype=torch.float64)
    uniform = torch.rand(3, 5, dtype=torch.float64)

    def one_seed(weight: torch.Tensor, x: torch.Tensor, y: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        return penalty(lambda s: (s @ weight).square().sum(-1).tanh(), x, y, u)

    lifted = torch.func.vmap(one_seed)(weights, real, fake, uniform)
    alone = torch.stack([one_seed(*row) for row in zip(weights, real, fake, uniform, strict=True)])
    torch.testing.assert_close(lifted, alone)
    assert torch.autograd.gradcheck(
        lambda w: one_seed(w, real[0], fake[0], uniform[0]), (weights[0].detach().requires_grad_(),)
    )


@pytest.mark.parametrize("name", list(ARCHS))
@pytest.mark.parametrize("dataset", list(DATASETS))
def test_networks_map_latents_to_samples_and_samples_to_logits(name: str, dataset: str) -> None:
    arch, shape = ARCHS.create({"name": name}), DATASETS[dataset].shape
    samples = arch.generator(shape)(torch.randn(6, arch.latent_dim))
    assert samples.shape == (6, *shape)
    assert samples.abs().max() <= 1
    assert arch.critic(shape)(samples).shape == (6,)


@pytest.mark.parametrize("name", list(ARCHS))
@pytest.mark.parametrize("dataset", list(DATASETS))
def test_the_critic_is_a_function_of_one_sample(name: str, dataset: str) -> None:
    shape = DATASETS[dataset].shape
    critic = ARCHS.create({"name": name}).critic(shape).train()
    samples = torch.rand(6, *shape) * 2 - 1
    together = critic(samples)
    torch.testing.assert_close(together[:2], critic(samples[:2]), rtol=1e-4, atol=1e-5)
    assert not list(critic.buffers()), "a critic with running statistics can't be penalised or lifted over seeds"


@pytest.mark.parametrize("loss", list(LOSSES))
@pytest.mark.parametrize("arch", list(ARCHS))
def test_every_loss_trains_with_every_architecture(loss: str, arch: str) -> None:
    spec = resolve(small_spec(loss={"name": loss}, train={"steps": 2}).to_dict() | {"arch": {"name": arch}})
    last = list(train(spec, (0, 1), random_data(), torch.device("cpu"), every=1))[-1]
    assert last.step == 2
    assert all(values.shape == (2,) and values.isfinite().all() for values in last.statistics.values())


def features(seed: int, count: int = 1200) -> Features:
    random = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 10, (count,), generator=random)
    embedding = torch.randn(count, 16, generator=random) + labels[:, None]
    confidence = 0.5 + 0.5 * torch.rand(count, generator=random)
    return Features(embedding, labels, confidence, 10)


@pytest.mark.parametrize("name", list(METRICS))
def test_metrics_do_not_depend_on_the_order_of_samples_and_repeat_exactly(name: str) -> None:
    metric = METRICS.create({"name": name})
    fake, real = features(1), features(2)
    order = torch.randperm(len(fake))
    shuffled = Features(fake.embedding[order], fake.labels[order], fake.confidence[order], 10)
    value = metric(fake=fake, real=real)
    assert value == metric(fake=fake, real=real)
    assert value == pytest.approx(metric(fake=shuffled, real=real), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", list(METRICS))
def test_metrics_see_total_collapse_in_their_declared_direction(name: str) -> None:
    """All samples the same doubtful image: no metric may call that better than real data."""
    metric = METRICS.create({"name": name})
    real, other = features(1), features(2)
    collapsed = Features(
        other.embedding[:1].repeat(1200, 1), other.labels[:1].repeat(1200), torch.full((1200,), 0.4), 10
    )
    worse, better = metric(fake=collapsed, real=real), metric(fake=other, real=real)
    assert metric.direction in ("lower", "higher")
    assert worse < better if metric.direction == "higher" else worse > better


@pytest.mark.parametrize("name", list(PROTOCOLS))
def test_protocols_name_metrics_that_exist(name: str) -> None:
    assert all(METRICS[metric] for metric in PROTOCOLS[name].metrics)
