"""The trainer: seeds are independent, evaluation leaves no trace, a resumed run is the same run."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from ganbench.config import RunSpec, resolve
from ganbench.train.draws import Draws
from ganbench.train.trainer import Snapshot, train
from tests.conftest import SMALL, random_data, small_spec

CPU = torch.device("cpu")
ARCHS_TRIED = {
    "mlp": SMALL["arch"],
    "dcgan": {"name": "dcgan", "latent_dim": 8, "generator_width": 8, "critic_width": 8},
}


def last(spec: RunSpec, seeds: Sequence[int], every: int = 1000) -> Snapshot:
    *_, snapshot = train(spec, seeds, random_data(), CPU, every=every)
    return snapshot


def copied(snapshot: Snapshot) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in snapshot.state.tensors().items()}


@pytest.mark.parametrize("arch", ["mlp", "dcgan"])
@pytest.mark.parametrize("loss", ["minimax", "wgan-gp"])
def test_a_seed_alone_is_that_seed_in_an_ensemble(arch: str, loss: str) -> None:
    """Up to rounding: what is compared are losses, D(x) and gradient norms, step by step."""
    spec = resolve(small_spec(loss={"name": loss}, train={"steps": 6}).to_dict() | {"arch": ARCHS_TRIED[arch]})
    together = train(spec, (4, 7, 9), random_data(), CPU, every=1)
    alone = train(spec, (7,), random_data(), CPU, every=1)
    for many, one in zip(together, alone, strict=True):
        for name, values in one.statistics.items():
            torch.testing.assert_close(many.statistics[name][1:2], values, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(many.sample(1, 10), one.sample(0, 10), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("arch", ["mlp", "dcgan"])
@pytest.mark.parametrize("loss", ["minimax", "wgan-gp"])
def test_a_seed_does_not_feel_its_company(arch: str, loss: str) -> None:
    """With other seeds beside it, not one bit of a seed's state is different."""
    spec = resolve(small_spec(loss={"name": loss}, train={"steps": 6}).to_dict() | {"arch": ARCHS_TRIED[arch]})
    here, there = last(spec, (4, 7, 9)).state.tensors(), last(spec, (1, 7, 2)).state.tensors()
    for name, tensor in here.items():
        assert torch.equal(tensor[1], there[name][1]), name


def test_seeds_differ_and_repeat() -> None:
    spec = small_spec()
    both = last(spec, (0, 1))
    name = "generator/0.weight"
    tensors = both.state.tensors()
    assert not torch.equal(tensors[name][0], tensors[name][1])
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in last(spec, (0, 1)).state.tensors().items())


def test_losses_are_paired_by_seed() -> None:
    """Two losses with one seed begin with the same weights: what differs afterwards is the loss."""
    first = [
        next(train(small_spec(loss={"name": name}), (3,), random_data(), CPU, every=1))
        for name in ("minimax", "wgan-gp")
    ]
    a, b = (snapshot.state.tensors() for snapshot in first)
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_looking_more_often_and_sampling_do_not_change_training() -> None:
    spec = small_spec(arch={"name": "mlp"})
    quiet = copied(last(spec, (0,)))
    for snapshot in train(spec, (0,), random_data(), CPU, every=1):
        snapshot.sample(0, 700)
        torch.rand(3)  # nor does anybody who uses torch's own generator
    noisy = snapshot.state.tensors()
    assert all(torch.equal(noisy[name], tensor) for name, tensor in quiet.items())


@pytest.mark.parametrize("loss", ["minimax", "wgan-gp"])
@pytest.mark.parametrize("cut", [1, 33, 40])
def test_a_resumed_run_equals_the_uninterrupted_one_bit_for_bit(loss: str, cut: int) -> None:
    """Cut within a block of random numbers, at its end, and in the next one."""
    spec = small_spec(loss={"name": loss}, train={"steps": 45})
    whole = last(spec, (0, 5)).state.tensors()
    for snapshot in train(spec, (0, 5), random_data(), CPU, every=1):
        if snapshot.step == cut:
            taken = copied(snapshot)
            break
    *_, resumed = train(spec, (0, 5), random_data(), CPU, every=7, resume=taken, resume_step=cut)
    assert resumed.step == 45
    assert all(torch.equal(resumed.state.tensors()[name], tensor) for name, tensor in whole.items())


def test_resuming_refuses_another_networks_tensors() -> None:
    taken = copied(last(small_spec(), (0,)))
    wider = small_spec(arch={"generator_widths": [17]})
    with pytest.raises(ValueError, match="has no tensor"):
        next(train(wider, (0,), random_data(), CPU, every=1, resume=taken, resume_step=12))


def test_yields_the_start_every_so_many_steps_and_the_end() -> None:
    steps = [snapshot.step for snapshot in train(small_spec(), (0,), random_data(), CPU, every=5)]
    assert steps == [0, 5, 10, 12]


def test_a_sample_does_not_depend_on_how_many_are_drawn() -> None:
    snapshot = last(small_spec(), (0,))
    torch.testing.assert_close(snapshot.sample(0, 20), snapshot.sample(0, 1100)[:20])


def test_critic_steps_are_counted_in_real_images() -> None:
    """With k critic updates a step, an epoch of n batches is over after n / k steps, and every image was seen once."""
    draws = Draws((0,), batch_size=10, latent_dim=2, critic_steps=2, paired=False, train_size=60, device=CPU)
    epoch = torch.cat([draw.indices[0] for step in range(3) for draw in draws.critic(step)])
    assert sorted(epoch.tolist()) == list(range(60))
    assert draws.generator(0).indices.shape == (1, 0)


def test_paired_losses_get_real_samples_of_their_own() -> None:
    draws = Draws((0, 1), batch_size=10, latent_dim=2, critic_steps=1, paired=True, train_size=60, device=CPU)
    assert draws.generator(0).indices.shape == (2, 10)
    assert not torch.equal(draws.generator(0).indices, draws.critic(0)[0].indices)


def test_the_gradient_norm_is_that_of_each_seed() -> None:
    spec = small_spec(train={"steps": 1})
    together = last(spec, (0, 1), every=1).statistics["critic-gradient"]
    alone = last(spec, (1,), every=1).statistics["critic-gradient"]
    torch.testing.assert_close(together[1:], alone, rtol=1e-4, atol=1e-6)
