"""The trainer: seeds are independent, evaluation has no side effects, and resumed runs equal uninterrupted ones."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from ganbench.core.seeding import default_stream
from ganbench.data.mixture import MixturePoints
from ganbench.spec.run_spec import RunSpec, resolve
from ganbench.training.random_inputs import InputSampler
from ganbench.training.schedule import plan
from ganbench.training.state import StateMismatchError
from ganbench.training.trainer import Snapshot, train
from tests.conftest import SMALL, random_data, small_spec
from tests.reference import training as textbook

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
SMALL_MLP: dict[str, Any] = {"name": "mlp", "latent_dim": 8, "generator_widths": [16, 12], "critic_widths": [16]}
ARCHS_TRIED: dict[str, Any] = {
    "mlp": SMALL["arch"],
    "mlp-batch": {**SMALL_MLP, "generator_norm": "batch"},
    "mlp-layer": {**SMALL_MLP, "generator_norm": "layer"},
    "dcgan": {"name": "dcgan", "latent_dim": 8, "generator_width": 8, "critic_width": 8},
}


class Numbered(MixturePoints):
    """Samples that equal their own indices."""

    def __init__(self, count: int) -> None:
        super().__init__(torch.zeros(1, 1), 1.0, torch.ones(1, dtype=torch.float64), count, ("0",), CPU)
        self.train = torch.arange(count).float().unsqueeze(1)


def last_snapshot(spec: RunSpec, seeds: Sequence[int], every: int = 1000) -> Snapshot:
    *_, snapshot = train(spec, seeds, random_data(), CPU, every=every)
    return snapshot


def copy_of_state(snapshot: Snapshot) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in snapshot.state.tensors().items()}


@pytest.mark.parametrize("arch", ARCHS_TRIED)
@pytest.mark.parametrize("loss", ["minimax", "wgan-gp"])
def test_seed_trains_equally_alone_and_in_an_ensemble(arch: str, loss: str) -> None:
    """Losses, D(x) and gradient norms are equal up to rounding at each step."""
    spec = resolve(small_spec(loss={"name": loss}, train={"steps": 6}).to_dict() | {"arch": ARCHS_TRIED[arch]})
    together = train(spec, (4, 7, 9), random_data(), CPU, every=1)
    alone = train(spec, (7,), random_data(), CPU, every=1)
    for in_ensemble, on_its_own in zip(together, alone, strict=True):
        for name, values in on_its_own.statistics.items():
            torch.testing.assert_close(in_ensemble.statistics[name][1:2], values, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(in_ensemble.sample(1, 10), on_its_own.sample(0, 10), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("arch", ARCHS_TRIED)
@pytest.mark.parametrize("loss", ["minimax", "wgan-gp"])
def test_seed_does_not_depend_on_the_other_seeds_of_an_ensemble(arch: str, loss: str) -> None:
    """The state of a seed is equal bit for bit, whichever other seeds are trained with it."""
    spec = resolve(small_spec(loss={"name": loss}, train={"steps": 6}).to_dict() | {"arch": ARCHS_TRIED[arch]})
    first, second = last_snapshot(spec, (4, 7, 9)).state.tensors(), last_snapshot(spec, (1, 7, 2)).state.tensors()
    for name, tensor in first.items():
        assert torch.equal(tensor[1], second[name][1]), name


@pytest.mark.parametrize("loss", ["minimax", "wgan-gp"])
@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_convolutional_seed_on_a_cpu_is_equal_bit_for_bit_alone_and_with_others(loss: str, precision: str) -> None:
    train = {"steps": 6, "precision": precision}
    spec = resolve(small_spec(loss={"name": loss}, train=train).to_dict() | {"arch": ARCHS_TRIED["dcgan"]})
    together, alone = last_snapshot(spec, (4, 7, 9)).state.tensors(), last_snapshot(spec, (7,)).state.tensors()
    for name, tensor in alone.items():
        assert torch.equal(together[name][1], tensor[0]), name


def test_seeds_differ_and_are_reproducible() -> None:
    spec = small_spec()
    both = last_snapshot(spec, (0, 1))
    name = "generator/0.weight"
    tensors = both.state.tensors()
    assert not torch.equal(tensors[name][0], tensors[name][1])
    assert all(
        torch.equal(tensor, tensors[name]) for name, tensor in last_snapshot(spec, (0, 1)).state.tensors().items()
    )


def test_different_losses_start_from_the_same_weights_for_a_seed() -> None:
    """Later differences are therefore due to the loss."""
    first = [
        next(train(small_spec(loss={"name": name}), (3,), random_data(), CPU, every=1))
        for name in ("minimax", "wgan-gp")
    ]
    a, b = (snapshot.state.tensors() for snapshot in first)
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_evaluation_frequency_and_sampling_do_not_change_training() -> None:
    spec = small_spec(arch={"name": "mlp"})
    undisturbed = copy_of_state(last_snapshot(spec, (0,)))
    for snapshot in train(spec, (0,), random_data(), CPU, every=1):
        snapshot.sample(0, 700)
        torch.rand(3)  # torch's global generator must not matter either
    sampled = snapshot.state.tensors()
    assert all(torch.equal(sampled[name], tensor) for name, tensor in undisturbed.items())


@pytest.mark.parametrize("loss", ["minimax", "wgan-gp"])
@pytest.mark.parametrize(
    ("arch", "seeds", "cut"),
    [("mlp", (0, 5), 1), ("mlp", (0, 5), 33), ("mlp", (0,), 40), ("dcgan", (0,), 5), ("mlp-batch", (0, 5), 5)],
)
def test_resumed_run_equals_the_uninterrupted_one_bit_for_bit(
    loss: str, arch: str, seeds: tuple[int, ...], cut: int
) -> None:
    """Interrupted within a block of random numbers, after its end, and with running statistics."""
    settings = small_spec(loss={"name": loss}, train={"steps": 45 if arch == "mlp" else 8}).to_dict()
    spec = resolve(settings | {"arch": ARCHS_TRIED[arch]})
    uninterrupted = last_snapshot(spec, seeds).state.tensors()
    for snapshot in train(spec, seeds, random_data(), CPU, every=1):
        if snapshot.step == cut:
            saved = copy_of_state(snapshot)
            break
    *_, resumed = train(spec, seeds, random_data(), CPU, every=7, resume=saved, resume_step=cut)
    assert resumed.step == spec.train.steps
    assert all(torch.equal(resumed.state.tensors()[name], tensor) for name, tensor in uninterrupted.items())


def test_resuming_rejects_tensors_of_another_network() -> None:
    saved = copy_of_state(last_snapshot(small_spec(), (0,)))
    wider = small_spec(arch={"generator_widths": [17]})
    with pytest.raises(StateMismatchError, match="has no tensor"):
        next(train(wider, (0,), random_data(), CPU, every=1, resume=saved, resume_step=12))


def test_snapshots_are_yielded_at_the_start_at_intervals_and_at_the_end() -> None:
    steps = [snapshot.step for snapshot in train(small_spec(), (0,), random_data(), CPU, every=5)]
    assert steps == [0, 5, 10, 12]


@pytest.mark.parametrize("arch", ARCHS_TRIED)
def test_samples_do_not_depend_on_their_number(arch: str) -> None:
    snapshot = last_snapshot(resolve(small_spec().to_dict() | {"arch": ARCHS_TRIED[arch]}), (0, 3))
    assert torch.equal(snapshot.sample(1, 20), snapshot.sample(1, 1100)[:20])


def test_epoch_shows_every_real_image_once_to_the_critic() -> None:
    """With k critic updates per step, an epoch of n batches takes n / k steps and uses every image once."""
    spec, data = small_spec(train={"batch_size": 10, "n_critic": 2}), Numbered(60)
    sampler = InputSampler(spec, (0,), data)
    epoch = torch.cat([draw.real[0].flatten() for step in range(3) for draw in sampler.critic(step, plan(spec, step))])
    assert sorted(epoch.tolist()) == list(range(60))
    assert next(sampler.generator(0, plan(spec, 0))).real.shape == (1, 0, 1)


def test_generator_of_a_paired_loss_gets_its_own_real_samples() -> None:
    spec = small_spec(loss={"name": "rpgan"}, train={"batch_size": 10})
    sampler, values = InputSampler(spec, (0, 1), Numbered(60)), plan(spec, 0)
    in_generator, in_critic = next(sampler.generator(0, values)).real, next(sampler.critic(0, values)).real
    assert in_generator.shape == (2, 10, 1)
    assert not torch.equal(in_generator, in_critic)


def test_gradient_norm_is_computed_per_seed() -> None:
    spec = small_spec(train={"steps": 1})
    together = last_snapshot(spec, (0, 1), every=1).statistics["critic_gradient"]
    alone = last_snapshot(spec, (1,), every=1).statistics["critic_gradient"]
    torch.testing.assert_close(together[1:], alone, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("arch", ARCHS_TRIED)
@pytest.mark.parametrize("loss", ["minimax", "wgan-gp"])
def test_training_equals_the_textbook_loop(loss: str, arch: str) -> None:
    """Learning rates and betas differ between the networks, so swapping any of them would fail."""
    options = {
        "steps": 4,
        "batch_size": 16,
        "n_critic": 2,
        "generator_lr": 1e-3,
        "critic_lr": 3e-3,
        "generator_betas": [0.4, 0.99],
        "critic_betas": [0.2, 0.9],
    }
    spec = resolve({"loss": {"name": loss}, "arch": ARCHS_TRIED[arch], "train": options})
    data = random_data()
    snapshot = last_snapshot(spec, (5,), every=1)

    with default_stream(5, "init-generator"):
        generator = spec.arch.generator(data.shape)
    with default_stream(5, "init-critic"):
        critic = spec.arch.critic(data.shape)
    sampler = InputSampler(spec, (5,), data)
    batches = []
    for step in range(4):
        values = plan(spec, step)
        critic_draws = [(d.real[0], d.latents[0], d.uniform[0]) for d in sampler.critic(step, values)]
        critic_batches = critic_draws if loss == "wgan-gp" else [(real, z) for real, z, _ in critic_draws]
        batches.append((critic_batches, next(sampler.generator(step, values)).latents[0]))
    before = {id(network): copy.deepcopy(network.state_dict()) for network in (generator, critic)}
    reference: Callable[..., tuple[float, float]] = textbook.wgan_gp if loss == "wgan-gp" else textbook.minimax
    norms = reference(generator, critic, batches, lrs=(1e-3, 3e-3), betas=((0.4, 0.99), (0.2, 0.9)))

    assert snapshot.statistics["generator_gradient"].item() == pytest.approx(norms[0], rel=2e-3)
    assert snapshot.statistics["critic_gradient"].item() == pytest.approx(norms[1], rel=2e-3)
    for ensemble, network in ((snapshot.state.generator, generator), (snapshot.state.critic, critic)):
        theirs = torch.cat([(tensor - before[id(network)][name]).flatten() for name, tensor in floats(network)])
        ours = torch.cat(
            [(ensemble.frozen[name][0] - before[id(network)][name]).flatten() for name, _ in floats(network)]
        )
        # Adam turns rounding noise into full steps, so single weights may differ, but not the overall change.
        assert ((ours - theirs).norm() / theirs.norm()).item() < 0.02


def floats(network: torch.nn.Module) -> list[tuple[str, Tensor]]:
    return [(name, tensor) for name, tensor in network.state_dict().items() if tensor.is_floating_point()]


def test_random_inputs_do_not_depend_on_the_number_of_critic_updates() -> None:
    """The n-th update of a network gets the same random numbers for any number of critic updates per step."""
    specs = [small_spec(loss={"name": "wgan-gp"}, train={"n_critic": k, "batch_size": 4}) for k in (1, 5)]
    one, five = (InputSampler(spec, (3,), Numbered(60)) for spec in specs)
    values = plan(specs[0], 0)
    singles = [draw for step in range(40) for draw in one.critic(step, values)]
    fives = [draw for step in range(8) for draw in five.critic(step, values)]
    for a, b in zip(singles, fives, strict=True):
        assert torch.equal(a.real, b.real)
        assert torch.equal(a.latents, b.latents)
        assert torch.equal(a.uniform, b.uniform)
    for n in (0, 7, 31, 32):
        assert torch.equal(next(one.generator(n, values)).latents, next(five.generator(n, values)).latents)
    assert not torch.equal(next(one.generator(0, values)).latents, next(one.critic(0, values)).latents)
