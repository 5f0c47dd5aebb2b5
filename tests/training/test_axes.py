"""Options of `TrainSpec`, each compared with plain loops and closed forms from its paper."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from ganbench.core.errors import GanbenchError
from ganbench.core.seeding import default_stream
from ganbench.data.mixture import MixturePoints
from ganbench.data.ring import Ring
from ganbench.methods.losses import LOSSES
from ganbench.methods.penalties import PENALTIES
from ganbench.methods.wrappers import WRAPPERS
from ganbench.spec.run_spec import RunSpec, resolve
from ganbench.spec.train_spec import OPTIMIZERS
from ganbench.training.optimizers import OPTIMIZERS_BY_NAME, OptimizerState
from ganbench.training.random_inputs import InputSampler
from ganbench.training.schedule import plan
from ganbench.training.trainer import Snapshot, train
from tests.reference import training as textbook

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
NETS = {"name": "mlp", "latent_dim": 3, "generator_widths": [12], "critic_widths": [12, 8]}


def spec_on_ring(**settings: Any) -> RunSpec:
    """A tiny spec on the ring; `train` options override its defaults."""
    options = {"steps": 6, "batch_size": 8, "generator_lr": 2e-3, "critic_lr": 3e-3} | settings.pop("train", {})
    loss = settings.pop("loss", {"name": "non-saturating"})
    return resolve({"dataset": {"name": "ring"}, "arch": NETS, "loss": loss, "train": options, **settings})


@pytest.fixture(scope="module")
def points() -> MixturePoints:
    return Ring(points=500).load(CPU)


@pytest.fixture
def double() -> Iterator[None]:
    """Networks in double precision."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def last_snapshot(spec: RunSpec, points: MixturePoints, seeds: tuple[int, ...] = (3,)) -> Snapshot:
    *_, snapshot = train(spec, seeds, points, CPU, every=1000)
    return snapshot


def state_of(spec: RunSpec, points: MixturePoints, seeds: tuple[int, ...] = (3,)) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in last_snapshot(spec, points, seeds).state.tensors().items()}


def test_all_options_together_equal_a_plain_loop(points: MixturePoints) -> None:
    train_options: dict[str, Any] = {
        "n_critic": 2,
        "n_generator": 3,
        "pac": 2,
        "instance_noise": 0.3,
        "noise_until": 0.5,
    }
    train_options |= {"ema": 0.5, "burn_in": 0.5, "lr_decay": 0.25, "generator_betas": [0.3, 0.9]}
    penalty = [{"name": "r1", "gamma": 2.0, "decay": 0.5}]
    spec = spec_on_ring(train=train_options | {"critic_betas": [0.3, 0.9]}, penalty=penalty)
    snapshot = last_snapshot(spec, points)

    with default_stream(3, "init-generator"):
        generator = spec.generator(points.shape)
    with default_stream(3, "init-critic"):
        critic = spec.critic(points.shape)
    sampler, rounds = InputSampler(spec, (3,), points), []
    for step in range(6):
        values = plan(spec, step)
        critics = [(d.real[0], d.latents[0], d.real_noise[0], d.fake_noise[0]) for d in sampler.critic(step, values)]
        rounds.append((critics, [(d.latents[0], d.fake_noise[0]) for d in sampler.generator(step, values)]))
    # A half cosine over the first three steps, by hand: 0, 1/4, 3/4, 1, 1, 1.
    easing = [0.0, 0.25, 0.75, 1.0, 1.0, 1.0]
    before = {name: tensor.detach().clone() for name, tensor in generator.named_parameters()}
    averaged = textbook.train_all_options(
        generator,
        critic,
        rounds,
        pac=2,
        gamma=[2.0 - e for e in easing],
        lrs=[(2e-3 * (1 - 0.75 * e), 3e-3 * (1 - 0.75 * e)) for e in easing],
        betas=(0.3, 0.9),
        keep=[0.5 ** (1 / (3 * e)) if e else 0.0 for e in easing],
    )
    assert [len(r[0]) for r in rounds] == [2] * 6
    assert [len(r[1]) for r in rounds] == [3] * 6
    noise = [float(r[0][0][2].square().mean().sqrt()) for r in rounds]
    assert noise[0] > noise[1] > noise[2] > noise[3] == noise[4] == 0  # falls to zero by half of training
    assert 0.15 < noise[0] < 0.45
    for network, ours in (
        (generator, snapshot.state.generator.frozen),
        (averaged, snapshot.state.averaged),
        (critic, snapshot.state.critic.frozen),
    ):
        for name, parameter in network.named_parameters():
            torch.testing.assert_close(ours[name][0], parameter.detach(), rtol=1e-3, atol=2e-5)
    largest_change = max(float((p.detach() - before[name]).abs().max()) for name, p in generator.named_parameters())
    assert largest_change > 0.005, "the weights must have changed, or the comparison is void"
    latents = torch.randn(5, 3)
    row = {name: tensor[0] for name, tensor in snapshot.state.averaged.items()}
    torch.testing.assert_close(
        snapshot.state.generator.forward_eval(row, latents), averaged(latents), rtol=1e-3, atol=1e-4
    )


@pytest.mark.parametrize("updates", [1, 3])
def test_unrolling_follows_the_critics_updates(points: MixturePoints, updates: int) -> None:
    """The first step of plain gradient descent, compared with the paper's formula on plain modules."""
    options = {"steps": 1, "optimizer": "sgd", "generator_betas": [0.0, 0.0], "critic_betas": [0.0, 0.0]}
    spec = spec_on_ring(train=options | {"unrolled": updates, "critic_lr": 0.5})
    snapshot = last_snapshot(spec, points)
    with default_stream(3, "init-generator"):
        generator = spec.generator(points.shape)
    before = spec_on_ring(train=options | {"critic_lr": 0.5})
    critic = spec.critic(points.shape)
    # The critic's own update comes first, and is not tested here.
    critic.load_state_dict({name: t[0] for name, t in last_snapshot(before, points).state.critic.frozen.items()})
    inputs = next(InputSampler(spec, (3,), points).generator(0, plan(spec, 0)))
    loss = textbook.unrolled_generator_loss(
        generator, critic, inputs.real[0], inputs.latents[0], updates=updates, lr=0.5
    )
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(generator.parameters(), float("inf"))
    assert snapshot.statistics["generator_loss"].item() == pytest.approx(loss.item(), rel=1e-4)
    assert snapshot.statistics["generator_gradient"].item() == pytest.approx(float(norm), rel=1e-3)
    plain = last_snapshot(before, points).statistics["generator_gradient"].item()
    assert abs(plain - float(norm)) > 0.01 * plain, "unrolling must make a difference"
    for name, tensor in last_snapshot(before, points).state.critic.frozen.items():
        assert torch.equal(tensor, snapshot.state.critic.frozen[name]), "unrolling must not change the critic itself"


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_both_forms_of_an_optimizer_equal_torchs(optimizer: str) -> None:
    random = torch.Generator().manual_seed(0)
    kind, betas, lr = OPTIMIZERS_BY_NAME[optimizer], (0.0 if optimizer == "rmsprop" else 0.6, 0.8), 0.02
    weight = torch.randn(5, generator=random)
    torch_weight = weight.clone().requires_grad_()
    torch_optimizers: dict[str, torch.optim.Optimizer] = {
        "adam": torch.optim.Adam([torch_weight], lr=lr, betas=betas),
        "rmsprop": torch.optim.RMSprop([torch_weight], lr=lr, alpha=betas[1]),
        "sgd": torch.optim.SGD([torch_weight], lr=lr, momentum=betas[0]),
    }
    our_weight, optimizer_state = (
        weight.clone(),
        OptimizerState([[torch.zeros(5)] for _ in kind.moments], [torch.zeros(())]),
    )
    moments = tuple(torch.zeros(5) for _ in kind.moments)
    for count in range(1, 6):
        gradient = torch.randn(5, generator=random)
        torch_weight.grad = gradient.clone()
        torch_optimizers[optimizer].step()
        kind.update([our_weight], [gradient.clone()], optimizer_state, lr, betas)
        change, moments = kind.change(gradient, moments, torch.tensor(float(count)), betas)
        weight = weight - lr * change
        torch.testing.assert_close(weight, torch_weight.detach())
        torch.testing.assert_close(our_weight, torch_weight.detach())
        assert optimizer == "sgd" or optimizer_state.counts[0] == count
        for (moment,), pure in zip(optimizer_state.moments, moments, strict=True):
            torch.testing.assert_close(moment, pure)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_unrolling_with_a_negligible_learning_rate_changes_nothing(points: MixturePoints, optimizer: str) -> None:
    options = {"steps": 3, "optimizer": optimizer, "critic_lr": 1e-12}
    options |= {"generator_betas": [0.0, 0.9], "critic_betas": [0.0, 0.9]}
    plain, unrolled = (last_snapshot(spec_on_ring(train=options | {"unrolled": k}), points, (3, 4)) for k in (0, 2))
    for name in ("generator_loss", "generator_gradient"):
        torch.testing.assert_close(plain.statistics[name], unrolled.statistics[name], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_resumed_run_equals_the_uninterrupted_one_with_every_kind_of_state(
    points: MixturePoints, optimizer: str
) -> None:
    options = {"optimizer": optimizer, "generator_betas": [0.0, 0.9], "critic_betas": [0.0, 0.9, 0.99], "ema": 0.3}
    options |= {"instance_noise": 0.1, "unrolled": 1, "n_generator": 2, "steps": 9}
    spec = spec_on_ring(
        train=options, penalty=[{"name": "dragan"}], wrapper=[{"name": "minibatch-std"}, {"name": "spectral-norm"}]
    )
    uninterrupted = state_of(spec, points, (3, 8))
    for snapshot in train(spec, (3, 8), points, CPU, every=1):
        if snapshot.step == 4:
            saved = {name: tensor.clone() for name, tensor in snapshot.state.tensors().items()}
            break
    *_, resumed = train(spec, (3, 8), points, CPU, every=1, resume=saved, resume_step=4)
    tensors = resumed.state.tensors()
    assert set(tensors) == set(uninterrupted)
    assert all(torch.equal(tensors[name], tensor) for name, tensor in uninterrupted.items())


@pytest.mark.parametrize("name", list(PENALTIES))
def test_penalty_with_zero_weight_has_no_effect(points: MixturePoints, name: str) -> None:
    weight = "gamma" if name.startswith("r") else "weight"
    without = state_of(spec_on_ring(), points)
    zero = state_of(spec_on_ring(penalty=[{"name": name, weight: 0.0}]), points)
    full = state_of(spec_on_ring(penalty=[{"name": name, weight: 1.0}]), points)
    assert all(torch.equal(zero[key], tensor) for key, tensor in without.items())
    changed = any(not torch.equal(full[key], tensor) for key, tensor in without.items())
    assert changed != (name == "lp"), "these gradients are shorter than 1, which the one-sided penalty allows"


def test_weights_stay_clipped_after_every_update(points: MixturePoints) -> None:
    spec = spec_on_ring(loss={"name": "wasserstein"})
    for snapshot in train(spec, (3, 4), points, CPU, every=1):
        largest = max(float(tensor.abs().max()) for tensor in snapshot.state.critic.trained.values())
        assert snapshot.step == 0 or largest <= 0.01 + 1e-9
    assert snapshot.step == 6


@pytest.mark.parametrize("seeds", [(3,), (3, 5)])
def test_packing_concatenates_samples(points: MixturePoints, seeds: tuple[int, ...]) -> None:
    spec = spec_on_ring(train={"pac": 4})
    assert spec.train.packs == 2
    critic = spec.critic(points.shape)
    assert next(critic.parameters()).shape == (12, 8), "four points of two coordinates"
    assert last_snapshot(spec, points, seeds).statistics["critic_loss"].isfinite().all()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"train": {"pac": 3}}, "pac (3) must divide the batch size (8)"),
        ({"wrapper": [{"name": "batch-norm"}], "penalty": [{"name": "r1"}]}, "can't be combined with the penalty 'r1'"),
        ({"wrapper": [{"name": "minibatch-std", "group": 3}]}, "group"),
        ({"arch": {"name": "dcgan"}}, "dcgan makes square images"),
        ({"train": {"optimizer": "rmsprop"}}, "rmsprop has no momentum"),
        ({"train": {"burn_in": 0.0}}, "burn_in must be in (0, 1]"),
        ({"train": {"images": 100, "steps": 6}}, "give one budget"),
        ({"penalty": 3}, "'penalty' must be text as on the command line"),
        ({"wrapper": "clip + clip"}, "'clip' is given twice"),
        ({"wrapper": "spectral-norm + clip"}, "can't be combined with 'spectral-norm'"),
        ({"train": {"steps": 10**99}}, "must be smaller than"),
        ({"train": {"critic_lr": 10**400}}, "must be smaller than"),
        ({"train": {"steps": 1, "images": 1e99}}, "give one budget"),
    ],
)
def test_untrainable_specs_are_rejected_with_the_reason(settings: dict[str, Any], reason: str) -> None:
    if "arch" in settings:
        with pytest.raises(GanbenchError) as error:
            resolve({"dataset": {"name": "ring"}, **settings})
    else:
        with pytest.raises(GanbenchError) as error:
            spec_on_ring(**settings)
    assert reason in str(error.value)


def test_batch_norm_of_one_sample_is_rejected_before_training() -> None:
    with pytest.raises(GanbenchError, match="can't be built: Expected more than 1 value"):
        resolve({"dataset": {"name": "ring"}, "arch": {"name": "pacgan-2d"}, "train": {"batch_size": 1}})
    with pytest.raises(GanbenchError, match="can't be built"):
        resolve({"dataset": {"name": "ring"}, "arch": {"name": "mlp", "latent_dim": 10**12}})


def test_averaged_generator_has_its_own_running_statistics(points: MixturePoints) -> None:
    """BatchNorm uses means and variances of the averaged network, not those of the trained one."""
    nets = {"name": "pacgan-2d", "generator_widths": [16, 16], "critic_widths": [8], "pieces": 2}
    options = {"steps": 60, "batch_size": 32, "ema": 0.5, "generator_lr": 0.02, "critic_lr": 0.02}
    spec = resolve({"dataset": {"name": "ring"}, "arch": nets, "train": options})
    snapshot = last_snapshot(spec, points, (3, 4))
    samples = snapshot.sample(1, 5000)
    generator = spec.generator(points.shape).eval()
    generator.load_state_dict({name: tensor[1] for name, tensor in snapshot.state.averaged.items()})
    latents = torch.randn(20_000, 2, generator=torch.Generator().manual_seed(0))
    # In training mode a large batch is normalised by its own statistics, which are the expected ones.
    with torch.no_grad():
        averaged_output = generator(latents)
        expected = generator.train()(latents)
        generator.load_state_dict({name: t[1] for name, t in snapshot.state.generator.buffers.items()}, strict=False)
        with_foreign_statistics = generator.eval()(latents)
    spread = (expected - expected.mean(0)).norm()
    assert (averaged_output - expected).norm() < 0.06 * spread
    assert (with_foreign_statistics - expected).norm() > 0.15 * spread, (
        "the networks must differ, or the comparison is void"
    )
    assert torch.equal(snapshot.sample(1, 100), samples[:100]), "sampling must not change the statistics"


def test_costs_match_values_computed_by_hand() -> None:
    plain = spec_on_ring(loss={"name": "minimax"}).costs
    assert plain == {
        "steps": 1,
        "critic_steps": 1,
        "generator_steps": 1,
        "images": 8,
        "critic_evaluations": 8 * (2 + 2) + 8 * 2,  # real and generated forward and back; generated forward and back
    }
    wgan = spec_on_ring(loss={"name": "wgan-gp"}).costs
    assert (wgan["critic_steps"], wgan["images"]) == (5, 40)
    assert wgan["critic_evaluations"] == 5 * 8 * (4 + 4) + 8 * 2
    r3gan = spec_on_ring(loss={"name": "r3gan"}).costs
    assert r3gan["images"] == 16, "its generator uses real samples, too"
    assert r3gan["critic_evaluations"] == 8 * (4 + 4 + 4) + 8 * 3
    unrolled = spec_on_ring(train={"unrolled": 5}).costs
    assert unrolled["critic_evaluations"] == 8 * 4 + 8 * (2 + 5 * 2 * 4)


@pytest.mark.parametrize("loss", list(LOSSES))
@pytest.mark.parametrize("currency", ["critic_steps", "generator_steps", "images", "critic_evaluations"])
def test_budget_in_any_unit_is_met_to_the_nearest_step(loss: str, currency: str) -> None:
    spec = resolve({"dataset": {"name": "ring"}, "loss": {"name": loss}, "train": {currency: "1M"}})
    cost = spec.costs[currency]
    assert abs(spec.train.steps * cost - 1_000_000) <= cost / 2


def test_schedule_matches_values_computed_by_hand() -> None:
    spec = spec_on_ring(
        train={"steps": 100, "burn_in": 0.5, "lr_decay": 0.1, "critic_betas": [0.0, 0.9, 0.99], "ema": 0.1},
        penalty=[{"name": "r1", "decay": 0.2}, {"name": "r2"}],
    )
    start, middle, end = plan(spec, 0), plan(spec, 25), plan(spec, 99)
    assert (start.lr, start.critic_betas, start.strengths, start.keep) == (1.0, (0.0, 0.9), (1.0, 1.0), 0.0)
    assert middle.lr == pytest.approx(0.55)
    assert middle.critic_betas == pytest.approx((0.0, 0.945))
    assert middle.strengths == pytest.approx((0.6, 1.0))
    assert middle.keep == pytest.approx(0.5 ** (1 / 5))  # a half-life of 5 of 100 steps
    assert end.lr == pytest.approx(0.1)
    assert end.strengths == pytest.approx((0.2, 1.0))
    assert end.keep == pytest.approx(0.5 ** (1 / 10))
    assert math.isclose(plan(spec_on_ring(), 5).lr, 1.0)


@pytest.mark.parametrize(
    "settings",
    [{"loss": {"name": name}} for name in LOSSES]
    + [{"penalty": [{"name": name}]} for name in PENALTIES]
    + [{"wrapper": [{"name": name}]} for name in WRAPPERS]
    + [{"train": {"unrolled": 2}}, {"train": {"optimizer": "sgd"}}],
    ids=lambda settings: str(next(iter(settings.values()))),
)
def test_seed_trains_equally_alone_and_in_an_ensemble(double: None, settings: dict[str, Any]) -> None:
    """Losses, penalty, outputs of the critic and gradient norms are compared at each step.

    In double precision, since Adam's first updates amplify the rounding of gradients near zero.
    """
    spec = spec_on_ring(**settings)
    points = Ring(points=500).load(CPU)
    together, alone = (train(spec, seeds, points, CPU, every=1) for seeds in ((1, 7, 4), (7,)))
    for in_ensemble, on_its_own in zip(together, alone, strict=True):
        for name, values in on_its_own.statistics.items():
            torch.testing.assert_close(in_ensemble.statistics[name][1:2], values, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(in_ensemble.sample(1, 20), on_its_own.sample(0, 20), rtol=1e-6, atol=1e-9)
