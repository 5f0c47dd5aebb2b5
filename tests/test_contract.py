"""What every component must hold to, whoever wrote it: built-in ones and those of `--plugin FILE`."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from typing import get_args

import pytest
import torch

from ganbench.archs import ARCHS, Arch
from ganbench.config import resolve
from ganbench.data import DATASETS, Dataset, Kind
from ganbench.data.ring import Ring
from ganbench.evaluators import Features, Reference
from ganbench.listing import KINDS
from ganbench.losses import LOSSES, Loss
from ganbench.metrics import METRICS, Direction, Fault, Metric, UndefinedMetricError
from ganbench.options import LEAST_SAMPLES
from ganbench.penalties import PENALTIES
from ganbench.protocols import PROTOCOLS
from ganbench.registry import Component
from ganbench.train.trainer import train
from tests.conftest import random_data, small_spec
from tests.features import make_images, make_reference

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
ALL = [(kind, name) for kind, registry in KINDS.items() for name in registry]


def make_dataset(name: str) -> Dataset:
    return DATASETS.create({"name": name})


def takes(arch: Arch, dataset: Dataset) -> bool:
    """Whether the architecture can be built for these samples; where it can't, it must say so with a ValueError."""
    parts = []
    for build in (arch.generator, arch.critic):
        try:
            build(dataset.shape)
        except ValueError:
            parts.append(False)
        else:
            parts.append(True)
    assert parts[0] == parts[1], "generator and critic are for the same shapes"
    return all(parts)


# Every combination of which something is asked; that the rest is refused is found out on the way.
FITTING = [(a, d) for a in ARCHS for d in DATASETS if takes(ARCHS.create({"name": a}), make_dataset(d))]


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
def test_an_architecture_is_for_some_data_set_and_refuses_others_with_a_value_error(name: str) -> None:
    assert any(arch == name for arch, _ in FITTING)
    for dataset in DATASETS:
        takes(ARCHS.create({"name": name}), make_dataset(dataset))


@pytest.mark.parametrize(("name", "dataset"), FITTING)
def test_networks_map_latents_to_samples_and_samples_to_logits(name: str, dataset: str) -> None:
    arch, shape = ARCHS.create({"name": name}), make_dataset(dataset).shape
    samples = arch.generator(shape)(torch.randn(6, arch.latent_dim))
    assert samples.shape == (6, *shape)
    if len(shape) > 1:
        assert samples.abs().max() <= 1, "images lie in [−1, 1], points may lie anywhere"
    assert arch.critic(shape)(samples).shape == (6,)


@pytest.mark.parametrize(("name", "dataset"), FITTING)
def test_the_critic_is_a_function_of_one_sample(name: str, dataset: str) -> None:
    shape = make_dataset(dataset).shape
    critic = ARCHS.create({"name": name}).critic(shape).train()
    samples = torch.rand(6, *shape) * 2 - 1
    together = critic(samples)
    torch.testing.assert_close(together[:2], critic(samples[:2]), rtol=1e-4, atol=1e-5)
    assert not list(critic.buffers()), "a critic with running statistics can't be penalised or lifted over seeds"


@pytest.mark.parametrize("loss", list(LOSSES))
@pytest.mark.parametrize("arch", list(ARCHS))
def test_every_loss_trains_with_every_architecture(loss: str, arch: str) -> None:
    spec = resolve(small_spec(loss={"name": loss}, train={"steps": 2}).to_dict() | {"arch": {"name": arch}})
    last = list(train(spec, (0, 1), random_data(), CPU, every=1))[-1]
    assert last.step == 2
    assert all(values.shape == (2,) and values.isfinite().all() for values in last.statistics.values())


@pytest.mark.parametrize("loss", list(LOSSES))
@pytest.mark.parametrize("arch", [arch for arch, dataset in FITTING if dataset == "ring"])
def test_every_loss_trains_on_points_too(loss: str, arch: str) -> None:
    settings = {"loss": {"name": loss}, "arch": {"name": arch}, "dataset": {"name": "ring"}}
    spec = resolve(settings | {"train": {"steps": 2, "batch_size": 16}})
    last = list(train(spec, (0, 1), Ring().load(CPU), CPU, every=1))[-1]
    assert last.sample(0, 5).shape == (5, 2)
    assert all(values.shape == (2,) and values.isfinite().all() for values in last.statistics.values())


@pytest.mark.parametrize("name", list(DATASETS))
def test_a_data_set_says_what_it_is_without_being_loaded(name: str) -> None:
    dataset = make_dataset(name)
    assert dataset.kind in get_args(Kind)
    assert len(dataset.shape) == (3 if dataset.kind == "images" else 1)
    assert dataset.train_size > 0
    assert dataset.mode_word
    assert dataset.evaluator(CPU).sha256 == dataset.evaluator_sha256, "the run id tells of the evaluator that is used"
    assert PROTOCOLS.create({"name": dataset.protocol}).case(dataset).metrics, "its usual protocol knows it"
    assert resolve({"dataset": {"name": name}}).dataset == dataset, "and fits it as it is"


@pytest.mark.parametrize("name", list(DATASETS))
def test_an_evaluator_refuses_samples_of_another_kind(name: str) -> None:
    dataset = make_dataset(name)
    evaluator = dataset.evaluator(CPU)
    good = torch.zeros(3, *dataset.shape)
    seen = evaluator(good)
    assert len(seen) == 3
    assert seen.good.all(), "no rule was applied yet"
    assert ((seen.labels >= 0) & (seen.labels < seen.modes)).all()
    for bad in (good[:0], good[0], good[..., :-1], good.double(), torch.full_like(good, math.nan)):
        with pytest.raises(ValueError, match=r"."):
            evaluator(bad)


COUNT = 1200


def make_seen(seed: int) -> Features:
    return make_images(seed, COUNT)


def make_real(training: torch.Tensor | None = None) -> Reference:
    if training is None:
        training = make_seen(3).embedding
    return make_reference(make_seen(2), training=training)


@pytest.mark.parametrize("name", list(METRICS))
def test_metrics_do_not_depend_on_the_order_of_samples_and_repeat_exactly(name: str) -> None:
    metric = METRICS.create({"name": name})
    fake, real = make_seen(1), make_real()
    shuffled = fake.select(torch.randperm(len(fake)))
    value = metric(fake=fake, real=real)
    assert math.isfinite(value)
    assert value == metric(fake=fake, real=real)
    assert value == metric(fake=fake, real=make_real()), "nor on what was computed with the same real samples before"
    assert value == pytest.approx(metric(fake=shuffled, real=real), rel=1e-9, abs=1e-9)


def collapsed_to(image: Features, *, good: bool) -> Features:
    """Every time the same image: a good one, or a doubtful one far from its mode."""
    same = image.select(torch.zeros(COUNT, dtype=torch.int64))
    if good:
        return dataclasses.replace(same, good=torch.ones(COUNT, dtype=torch.bool))
    assert same.probabilities is not None
    doubtful = torch.full_like(same.probabilities, 0.6 / 9)
    doubtful[torch.arange(COUNT), same.labels] = 0.4
    return dataclasses.replace(
        same,
        good=torch.zeros(COUNT, dtype=torch.bool),
        deviation=torch.full_like(same.deviation, 9.0),
        probabilities=doubtful,
        confidence=doubtful.amax(1),
    )


def value_of_collapse(metric: Metric, image: Features, real: Reference) -> float:
    try:
        return metric(fake=collapsed_to(image, good=False), real=real)
    except UndefinedMetricError:
        return metric(fake=collapsed_to(image, good=True), real=real)  # of samples that aren't good it says nothing


@pytest.mark.parametrize("name", list(METRICS))
def test_metrics_see_total_collapse_in_their_declared_direction(name: str) -> None:
    """All samples the same doubtful training image: no metric may call that better than real data."""
    metric = METRICS.create({"name": name})
    image = make_seen(3)
    real = make_real(training=image.embedding)
    better, again = (metric(fake=make_seen(seed), real=real) for seed in (1, 4))
    worse = value_of_collapse(metric, image, real)
    assert metric.direction in get_args(Direction)
    if metric.direction == "higher":
        assert worse < min(better, again)
    elif metric.direction == "lower":
        assert worse > max(better, again)
    else:
        # Farther from what samples like real ones score than those are from each other.
        assert abs(worse - better) > 3 * abs(again - better)
        assert abs(worse - again) > 3 * abs(again - better)


@pytest.mark.parametrize("name", list(METRICS))
def test_a_metric_claims_to_see_faults_that_there_are_and_has_a_ceiling_that_is_one(name: str) -> None:
    metric, real = METRICS.create({"name": name}), make_real()
    assert metric.sees <= set(get_args(Fault))
    ceiling = metric.ceiling(real)
    if ceiling is not None:
        assert math.isfinite(ceiling)
        assert metric.direction != "lower", "the best value of such a metric is a floor"
        assert metric(fake=make_seen(1), real=real) <= ceiling


@pytest.mark.parametrize("name", list(METRICS))
def test_a_metric_of_too_few_samples_is_a_number_or_not_defined(name: str) -> None:
    metric, real, fake = METRICS.create({"name": name}), make_real(), make_seen(1)
    for few in (1, 2, 5):
        with contextlib.suppress(UndefinedMetricError):
            assert math.isfinite(metric(fake=fake.first(few), real=real))


@pytest.mark.parametrize("name", list(PROTOCOLS))
def test_a_protocol_names_metrics_data_sets_and_options_that_exist(name: str) -> None:
    protocol = PROTOCOLS.create({"name": name})
    assert protocol.cases()
    for dataset, case in protocol.cases().items():
        made = DATASETS.create({"name": dataset, **case.data})
        assert case.data.items() <= made.to_spec().items()
        assert protocol.case(made) == case
        assert case.metrics
        assert all(isinstance(metric, Metric) for metric in case.metrics.values())
        assert set(case.quick) <= set(case.metrics)
        assert len(set(case.quick)) == len(case.quick) > 0
        assert case.samples >= LEAST_SAMPLES
        assert not made.finite or case.samples <= made.train_size, "a floor needs as many real samples"
        assert protocol.label(case, case.samples) == f"{name} v{protocol.version}"
        assert protocol.label(case, 1234) == f"{name} v{protocol.version} at N=1,234"
        assert resolve({"dataset": {"name": dataset}, "protocol": {"name": name}}).evaluation.samples == case.samples


@pytest.mark.parametrize("name", list(PROTOCOLS))
def test_what_a_protocol_calls_good_is_some_of_the_samples(name: str) -> None:
    fake = make_seen(1)
    for case in PROTOCOLS.create({"name": name}).cases().values():
        judged = case.rule(fake)
        assert (judged.good.dtype, judged.good.shape) == (torch.bool, (len(fake),))
        assert judged.good.any(), "a typical sample of its mode is good"
        assert torch.equal(judged.labels, fake.labels)
