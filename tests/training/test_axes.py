"""Training as an axis: each option of `TrainSpec` does what its paper says, against plain loops and closed forms."""

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
from ganbench.training.optimizers import KINDS, OptimizerState
from ganbench.training.random_inputs import InputSampler
from ganbench.training.schedule import plan
from ganbench.training.trainer import Snapshot, train
from tests.reference import training as textbook

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
NETS = {"name": "mlp", "latent_dim": 3, "generator_widths": [12], "critic_widths": [12, 8]}


def spec_on_ring(**settings: Any) -> RunSpec:
    """A tiny spec; `train` options are laid over the tiny ones."""
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


def last(spec: RunSpec, points: MixturePoints, seeds: tuple[int, ...] = (3,)) -> Snapshot:
    *_, snapshot = train(spec, seeds, points, CPU, every=1000)
    return snapshot


def state_of(spec: RunSpec, points: MixturePoints, seeds: tuple[int, ...] = (3,)) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in last(spec, points, seeds).state.tensors().items()}


def test_every_axis_at_once_is_what_a_plain_loop_does(points: MixturePoints) -> None:
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
    snapshot = last(spec, points)

    with default_stream(3, "init-generator"):
        generator = spec.generator(points.shape)
    with default_stream(3, "init-critic"):
        critic = spec.critic(points.shape)
    draws, rounds = InputSampler(spec, (3,), points), []
    for step in range(6):
        now = plan(spec, step)
        critics = [(d.real[0], d.latents[0], d.real_noise[0], d.fake_noise[0]) for d in draws.critic(step, now)]
        rounds.append((critics, [(d.latents[0], d.fake_noise[0]) for d in draws.generator(step, now)]))
    # Half a cosine over the first three steps, by hand: 0, 1/4, 3/4, 1, 1, 1.
    eased = [0.0, 0.25, 0.75, 1.0, 1.0, 1.0]
    before = {name: tensor.detach().clone() for name, tensor in generator.named_parameters()}
    averaged = textbook.play(
        generator,
        critic,
        rounds,
        pac=2,
        gamma=[2.0 - e for e in eased],
        lrs=[(2e-3 * (1 - 0.75 * e), 3e-3 * (1 - 0.75 * e)) for e in eased],
        betas=(0.3, 0.9),
        keep=[0.5 ** (1 / (3 * e)) if e else 0.0 for e in eased],
    )
    assert [len(r[0]) for r in rounds] == [2] * 6
    assert [len(r[1]) for r in rounds] == [3] * 6
    noise = [float(r[0][0][2].square().mean().sqrt()) for r in rounds]
    assert noise[0] > noise[1] > noise[2] > noise[3] == noise[4] == 0  # falls to nothing by half of training
    assert 0.15 < noise[0] < 0.45
    for network, ours in (
        (generator, snapshot.state.generator.frozen),
        (averaged, snapshot.state.averaged),
        (critic, snapshot.state.critic.frozen),
    ):
        for name, parameter in network.named_parameters():
            torch.testing.assert_close(ours[name][0], parameter.detach(), rtol=1e-3, atol=2e-5)
    moved = max(float((p.detach() - before[name]).abs().max()) for name, p in generator.named_parameters())
    assert moved > 0.005, "nothing was trained, so nothing was compared"
    latents = torch.randn(5, 3)
    row = {name: tensor[0] for name, tensor in snapshot.state.averaged.items()}
    torch.testing.assert_close(
        snapshot.state.generator.forward_eval(row, latents), averaged(latents), rtol=1e-3, atol=1e-4
    )


@pytest.mark.parametrize("updates", [1, 3])
def test_unrolling_goes_through_the_critics_own_updates(points: MixturePoints, updates: int) -> None:
    """The first step with plain gradient descent, against the paper's formula on plain modules."""
    options = {"steps": 1, "optimizer": "sgd", "generator_betas": [0.0, 0.0], "critic_betas": [0.0, 0.0]}
    spec = spec_on_ring(train=options | {"unrolled": updates, "critic_lr": 0.5})
    snapshot = last(spec, points)
    with default_stream(3, "init-generator"):
        generator = spec.generator(points.shape)
    before = spec_on_ring(train=options | {"critic_lr": 0.5})
    critic = spec.critic(points.shape)
    # The critic's own update comes first, and is not what is looked at here.
    critic.load_state_dict({name: t[0] for name, t in last(before, points).state.critic.frozen.items()})
    given = next(InputSampler(spec, (3,), points).generator(0, plan(spec, 0)))
    loss = textbook.unrolled_generator_loss(generator, critic, given.real[0], given.latents[0], updates=updates, lr=0.5)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(generator.parameters(), float("inf"))
    assert snapshot.statistics["generator_loss"].item() == pytest.approx(loss.item(), rel=1e-4)
    assert snapshot.statistics["generator_gradient"].item() == pytest.approx(float(norm), rel=1e-3)
    plain = last(before, points).statistics["generator_gradient"].item()
    assert abs(plain - float(norm)) > 0.01 * plain, "looking ahead should make a difference here"
    for name, tensor in last(before, points).state.critic.frozen.items():
        assert torch.equal(tensor, snapshot.state.critic.frozen[name]), "the critic itself doesn't move"


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_both_forms_of_an_optimizer_are_torchs(optimizer: str) -> None:
    random = torch.Generator().manual_seed(0)
    kind, betas, lr = KINDS[optimizer], (0.0 if optimizer == "rmsprop" else 0.6, 0.8), 0.02
    weight = torch.randn(5, generator=random)
    theirs = weight.clone().requires_grad_()
    of_torch: dict[str, torch.optim.Optimizer] = {
        "adam": torch.optim.Adam([theirs], lr=lr, betas=betas),
        "rmsprop": torch.optim.RMSprop([theirs], lr=lr, alpha=betas[1]),
        "sgd": torch.optim.SGD([theirs], lr=lr, momentum=betas[0]),
    }
    ours, held = weight.clone(), OptimizerState([[torch.zeros(5)] for _ in kind.moments], [torch.zeros(())])
    moments = tuple(torch.zeros(5) for _ in kind.moments)
    for count in range(1, 6):
        gradient = torch.randn(5, generator=random)
        theirs.grad = gradient.clone()
        of_torch[optimizer].step()
        kind.update([ours], [gradient.clone()], held, lr, betas)
        change, moments = kind.change(gradient, moments, torch.tensor(float(count)), betas)
        weight = weight - lr * change
        torch.testing.assert_close(weight, theirs.detach())
        torch.testing.assert_close(ours, theirs.detach())
        assert optimizer == "sgd" or held.counts[0] == count
        for (mine,), pure in zip(held.moments, moments, strict=True):
            torch.testing.assert_close(mine, pure)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_unrolling_without_a_step_size_changes_nothing(points: MixturePoints, optimizer: str) -> None:
    options = {"steps": 3, "optimizer": optimizer, "critic_lr": 1e-12}
    options |= {"generator_betas": [0.0, 0.9], "critic_betas": [0.0, 0.9]}
    plain, ahead = (last(spec_on_ring(train=options | {"unrolled": k}), points, (3, 4)) for k in (0, 2))
    for name in ("generator_loss", "generator_gradient"):
        torch.testing.assert_close(plain.statistics[name], ahead.statistics[name], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_resumed_run_is_the_same_run_with_every_kind_of_state(points: MixturePoints, optimizer: str) -> None:
    options = {"optimizer": optimizer, "generator_betas": [0.0, 0.9], "critic_betas": [0.0, 0.9, 0.99], "ema": 0.3}
    options |= {"instance_noise": 0.1, "unrolled": 1, "n_generator": 2, "steps": 9}
    spec = spec_on_ring(
        train=options, penalty=[{"name": "dragan"}], wrapper=[{"name": "minibatch-std"}, {"name": "spectral-norm"}]
    )
    whole = state_of(spec, points, (3, 8))
    for snapshot in train(spec, (3, 8), points, CPU, every=1):
        if snapshot.step == 4:
            cut = {name: tensor.clone() for name, tensor in snapshot.state.tensors().items()}
            break
    *_, resumed = train(spec, (3, 8), points, CPU, every=1, resume=cut, resume_step=4)
    tensors = resumed.state.tensors()
    assert set(tensors) == set(whole)
    assert all(torch.equal(tensors[name], tensor) for name, tensor in whole.items())


@pytest.mark.parametrize("name", list(PENALTIES))
def test_a_penalty_without_weight_is_no_penalty(points: MixturePoints, name: str) -> None:
    weight = "gamma" if name.startswith("r") else "weight"
    without = state_of(spec_on_ring(), points)
    zero = state_of(spec_on_ring(penalty=[{"name": name, weight: 0.0}]), points)
    full = state_of(spec_on_ring(penalty=[{"name": name, weight: 1.0}]), points)
    assert all(torch.equal(zero[key], tensor) for key, tensor in without.items())
    changed = any(not torch.equal(full[key], tensor) for key, tensor in without.items())
    assert changed != (name == "lp"), "these gradients are shorter than one, which the one-sided penalty allows"


def test_the_clip_holds_after_every_update(points: MixturePoints) -> None:
    spec = spec_on_ring(loss={"name": "wasserstein"})
    for snapshot in train(spec, (3, 4), points, CPU, every=1):
        largest = max(float(tensor.abs().max()) for tensor in snapshot.state.critic.trained.values())
        assert snapshot.step == 0 or largest <= 0.01 + 1e-9
    assert snapshot.step == 6


@pytest.mark.parametrize("seeds", [(3,), (3, 5)])
def test_packing_shows_samples_side_by_side(points: MixturePoints, seeds: tuple[int, ...]) -> None:
    spec = spec_on_ring(train={"pac": 4})
    assert spec.train.packs == 2
    critic = spec.critic(points.shape)
    assert next(critic.parameters()).shape == (12, 8), "four points of two numbers"
    assert last(spec, points, seeds).statistics["critic_loss"].isfinite().all()


@pytest.mark.parametrize(
    ("settings", "words"),
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
def test_what_can_not_be_trained_is_refused_with_the_reason(settings: dict[str, Any], words: str) -> None:
    if "arch" in settings:
        with pytest.raises(GanbenchError) as refused:
            resolve({"dataset": {"name": "ring"}, **settings})
    else:
        with pytest.raises(GanbenchError) as refused:
            spec_on_ring(**settings)
    assert words in str(refused.value)


def test_batch_norm_of_one_sample_is_refused_before_training() -> None:
    with pytest.raises(GanbenchError, match="can't be built: Expected more than 1 value"):
        resolve({"dataset": {"name": "ring"}, "arch": {"name": "pacgan-2d"}, "train": {"batch_size": 1}})
    with pytest.raises(GanbenchError, match="can't be built"):
        resolve({"dataset": {"name": "ring"}, "arch": {"name": "mlp", "latent_dim": 10**12}})


def test_the_averaged_generator_has_running_statistics_of_its_own(points: MixturePoints) -> None:
    """BatchNorm's means and variances are those of what the averaged network computes, not of the other's."""
    nets = {"name": "pacgan-2d", "generator_widths": [16, 16], "critic_widths": [8], "pieces": 2}
    options = {"steps": 60, "batch_size": 32, "ema": 0.5, "generator_lr": 0.02, "critic_lr": 0.02}
    spec = resolve({"dataset": {"name": "ring"}, "arch": nets, "train": options})
    snapshot = last(spec, points, (3, 4))
    samples = snapshot.sample(1, 5000)
    generator = spec.generator(points.shape).eval()
    generator.load_state_dict({name: tensor[1] for name, tensor in snapshot.state.averaged.items()})
    latents = torch.randn(20_000, 2, generator=torch.Generator().manual_seed(0))
    # In training mode a large batch is normalised by its own statistics: what they should be.
    with torch.no_grad():
        at_rest = generator(latents)
        expected = generator.train()(latents)
        generator.load_state_dict({name: t[1] for name, t in snapshot.state.generator.buffers.items()}, strict=False)
        with_the_others = generator.eval()(latents)
    spread = (expected - expected.mean(0)).norm()
    assert (at_rest - expected).norm() < 0.06 * spread
    assert (with_the_others - expected).norm() > 0.15 * spread, "the networks hardly differ: nothing was tested"
    assert torch.equal(snapshot.sample(1, 100), samples[:100]), "asking again changes nothing"


def test_costs_are_counted_by_hand() -> None:
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
    assert r3gan["images"] == 16, "its generator looks at real samples too"
    assert r3gan["critic_evaluations"] == 8 * (4 + 4 + 4) + 8 * 3
    ahead = spec_on_ring(train={"unrolled": 5}).costs
    assert ahead["critic_evaluations"] == 8 * 4 + 8 * (2 + 5 * 2 * 4)


@pytest.mark.parametrize("loss", list(LOSSES))
@pytest.mark.parametrize("currency", ["critic_steps", "generator_steps", "images", "critic_evaluations"])
def test_a_budget_in_any_currency_is_kept_to_the_nearest_step(loss: str, currency: str) -> None:
    spec = resolve({"dataset": {"name": "ring"}, "loss": {"name": loss}, "train": {currency: "1M"}})
    cost = spec.costs[currency]
    assert abs(spec.train.steps * cost - 1_000_000) <= cost / 2


def test_the_schedule_by_hand() -> None:
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
def test_a_seed_alone_is_that_seed_in_an_ensemble(double: None, settings: dict[str, Any]) -> None:
    """Step by step: losses, penalty, what the critic makes of samples, and gradient norms.

    In double precision: Adam's first updates of a gradient near zero make much of how it was rounded.
    """
    spec = spec_on_ring(**settings)
    points = Ring(points=500).load(CPU)
    together, alone = (train(spec, seeds, points, CPU, every=1) for seeds in ((1, 7, 4), (7,)))
    for many, one in zip(together, alone, strict=True):
        for name, values in one.statistics.items():
            torch.testing.assert_close(many.statistics[name][1:2], values, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(many.sample(1, 20), one.sample(0, 20), rtol=1e-6, atol=1e-9)
