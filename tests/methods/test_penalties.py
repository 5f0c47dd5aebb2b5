"""Gradient penalties: linear and quadratic critics by hand, second derivatives, a plain reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench.core.errors import GanbenchError
from ganbench.methods.penalties import PENALTIES, Penalty
from tests.reference import penalties as textbook

NONE = torch.empty(0)
OURS = [name for name in PENALTIES if not PENALTIES[name].is_foreign()]


def make(name: str, **options: Any) -> Penalty:
    return PENALTIES.create({"name": name, **options})


def parabola(x: Tensor) -> Tensor:
    """D(x) = ‖x‖²/2, whose gradient is x."""
    return x.square().flatten(1).sum(1) / 2


@pytest.mark.parametrize("batch", [1, 2, 7, 64])
@pytest.mark.parametrize(
    ("name", "options", "steep", "flat"),
    [
        # One gradient of norm 5, and one of norm ½.
        ("gp", {}, 10 * (5 - 1) ** 2, 10 * (0.5 - 1) ** 2),
        ("gp", {"weight": 0.5}, 0.5 * (5 - 1) ** 2, 0.5 * (0.5 - 1) ** 2),
        ("lp", {}, 10 * (5 - 1) ** 2, 0),
        ("lp", {"weight": 0.5}, 0.5 * (5 - 1) ** 2, 0),
        ("r1", {}, 25 / 2, 0.25 / 2),
        ("r1", {"gamma": 0.2}, 0.1 * 25, 0.1 * 0.25),
        ("r2", {}, 25 / 2, 0.25 / 2),
        ("r2", {"gamma": 0.2}, 0.1 * 25, 0.1 * 0.25),
        ("dragan", {}, 10 * (5 - 1) ** 2, 10 * (0.5 - 1) ** 2),
        ("dragan", {"weight": 0.5, "spread": 3.0}, 0.5 * (5 - 1) ** 2, 0.5 * (0.5 - 1) ** 2),
    ],
)
def test_penalty_of_a_linear_critic_does_not_depend_on_batch_size_or_samples(
    name: str, options: dict[str, float], steep: float, flat: float, batch: int
) -> None:
    """For D(x) = w·x the gradient is w at every point."""
    real, fake, noise = torch.randn(3, batch, 2, 2)
    w = torch.tensor([[3.0, 0.0], [0.0, 4.0]])

    def linear(slope: Tensor) -> Callable[[Tensor], Tensor]:
        return lambda x: (x * slope).sum((1, 2))

    for slope, expected in ((w, steep), (w / 10, flat)):
        value = make(name, **options)(linear(slope), real, fake, torch.rand(batch), noise)
        assert value.shape == ()
        assert value.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["gp", "lp"])
def test_penalty_interpolates_between_pairs_of_samples(name: str) -> None:
    """u = 1 gives real samples, u = 0 generated ones."""
    real, fake = torch.full((4, 1), 3.0), torch.full((4, 1), 2.0)
    penalty = make(name, weight=1.0)
    assert penalty(parabola, real, fake, torch.ones(4), NONE).item() == pytest.approx(4.0)
    assert penalty(parabola, real, fake, torch.zeros(4), NONE).item() == pytest.approx(1.0)
    assert penalty(parabola, real, fake, torch.full((4,), 0.5), NONE).item() == pytest.approx(1.5**2)
    mixed = penalty(parabola, real, fake, torch.tensor([0.0, 1.0, 0.5, 0.5]), NONE)
    assert mixed.item() == pytest.approx((1 + 4 + 2 * 1.5**2) / 4), "each sample has its own u"


def test_lp_penalises_only_norms_above_one() -> None:
    x = torch.tensor([[0.25], [1.0], [-3.0]])
    assert make("lp")(parabola, x, x, torch.rand(3), NONE).item() == pytest.approx(10 * (0 + 0 + 4) / 3)
    assert make("gp")(parabola, x, x, torch.rand(3), NONE).item() == pytest.approx(10 * (0.75**2 + 0 + 4) / 3)
    below = x[:1].requires_grad_()
    (gradient,) = torch.autograd.grad(make("lp")(parabola, below, below, torch.rand(1), NONE), below)
    assert gradient.item() == 0


def test_r1_uses_real_samples_and_r2_generated_ones() -> None:
    real, fake = torch.tensor([[3.0, 0.0], [0.0, 1.0]]), torch.tensor([[2.0, 2.0], [0.0, 0.0]])
    for name, expected in (("r1", (9 + 1) / 2), ("r2", (8 + 0) / 2)):
        value = make(name, gamma=0.4)(parabola, real, fake, torch.rand(2), NONE)
        assert value.item() == pytest.approx(0.2 * expected)


def test_dragan_perturbs_real_samples_by_half_their_standard_deviation() -> None:
    """Real samples 1 and 3 have standard deviation 1; with noise 2 and −1 the points are 2 and 2.5."""
    real, noise = torch.tensor([[1.0], [3.0]], requires_grad=True), torch.tensor([[2.0], [-1.0]])
    value = make("dragan", weight=1.0)(parabola, real, torch.full((2, 1), 1e6), torch.rand(2), noise)
    assert value.item() == pytest.approx((1**2 + 1.5**2) / 2)
    (gradient,) = torch.autograd.grad(value, real)
    torch.testing.assert_close(gradient, torch.tensor([[1.0], [1.5]]), msg="the spread must be treated as a constant")
    wide = make("dragan", weight=1.0, spread=1.0)(parabola, real, real, torch.rand(2), noise)
    assert wide.item() == pytest.approx((2**2 + 1**2) / 2)


class Mlp(nn.Sequential):
    """A small smooth critic for samples [B, 2, 2]; its gradients have norms on both sides of 1."""

    def __init__(self, seed: int) -> None:
        super().__init__(nn.Flatten(), nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 1), nn.Flatten(0))
        random = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(0.8 * torch.randn(parameter.shape, generator=random))


def random_batch(*lead: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Real samples, generated samples, uniform numbers and normal noise for a batch of six, in double precision."""
    random = torch.Generator().manual_seed(7)
    real, fake, noise = torch.randn(3, *lead, 6, 2, 2, generator=random, dtype=torch.float64)
    return real, fake, torch.rand(*lead, 6, generator=random, dtype=torch.float64), noise


def with_weights(network: nn.Module, names: list[str]) -> Callable[..., Callable[[Tensor], Tensor]]:
    """The critic as a function of its weights."""

    def critic(*tensors: Tensor) -> Callable[[Tensor], Tensor]:
        weights = dict(zip(names, tensors, strict=True))
        return lambda x: torch.func.functional_call(network, weights, (x,))

    return critic


def test_critic_of_these_tests_has_norms_on_both_sides_of_one() -> None:
    real, fake, uniform, _ = random_batch()
    norms = textbook.input_gradients(Mlp(0).double(), textbook.between(real, fake, uniform)).norm(dim=1)
    assert norms.min() < 0.95
    assert norms.max() > 1.05


@pytest.mark.parametrize("name", OURS)
def test_penalties_and_their_gradients_equal_a_plain_implementation(name: str) -> None:
    network = Mlp(0).double()
    value = make(name)(network, *random_batch())
    expected = getattr(textbook, name)(network, *random_batch())
    assert value.item() == pytest.approx(expected.item(), rel=1e-10)
    # The gradient doesn't depend on a constant in the critic.
    parameters = [p for parameter_name, p in network.named_parameters() if parameter_name != "3.bias"]
    torch.testing.assert_close(torch.autograd.grad(value, parameters), torch.autograd.grad(expected, parameters))


@pytest.mark.parametrize("name", list(PENALTIES))
def test_first_and_second_derivatives_by_the_weights_are_correct(name: str) -> None:
    network = Mlp(0).double()
    names = [parameter_name for parameter_name, _ in network.named_parameters()]
    critic = with_weights(network, names)
    weights = tuple(parameter.detach().requires_grad_() for parameter in network.parameters())

    def penalty(*tensors: Tensor) -> Tensor:
        return make(name)(critic(*tensors), *random_batch())

    assert torch.autograd.gradcheck(penalty, weights)
    assert torch.autograd.gradgradcheck(penalty, weights)


@pytest.mark.parametrize("name", list(PENALTIES))
def test_penalty_and_gradient_under_vmap_equal_those_of_each_seed(name: str) -> None:
    networks = [Mlp(seed).double() for seed in range(3)]
    names = [parameter_name for parameter_name, _ in networks[0].named_parameters()]
    critic = with_weights(networks[0], names)
    weights = tuple(
        torch.stack([parameter.detach() for parameter in parameters])
        for parameters in zip(*(network.parameters() for network in networks), strict=True)
    )
    batches = random_batch(3)

    def value_and_gradient(tensors: tuple[Tensor, ...], *batch: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        gradient, value = torch.func.grad_and_value(lambda t: make(name)(critic(*t), *batch))(tensors)
        return value, gradient

    values, gradients = torch.func.vmap(value_and_gradient)(weights, *batches)
    for seed in range(3):
        value, gradient = value_and_gradient(tuple(w[seed] for w in weights), *(part[seed] for part in batches))
        torch.testing.assert_close(values[seed], value)
        torch.testing.assert_close(tuple(g[seed] for g in gradients), gradient)


@pytest.mark.parametrize("name", list(PENALTIES))
def test_flat_critic_has_a_finite_penalty_and_gradient(name: str) -> None:
    w = torch.zeros(2, requires_grad=True)
    real, fake, noise = torch.randn(3, 3, 2)
    value = make(name)(lambda x: x @ w, real, fake, torch.rand(3), noise)
    (gradient,) = torch.autograd.grad(value, w)
    assert value.isfinite()
    assert gradient.isfinite().all()
    if name in ("gp", "dragan"):
        assert value.item() == pytest.approx(10.0, rel=1e-4), "λ (0 − 1)²"
    elif name in OURS:
        assert value.item() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("name", list(PENALTIES))
def test_only_penalties_declared_noisy_use_noise(name: str) -> None:
    real, fake, uniform, noise = random_batch()
    network = Mlp(0).double()
    penalty = make(name)
    if penalty.noisy:
        assert penalty(network, real, fake, uniform, noise) != penalty(network, real, fake, uniform, 2 * noise)
    else:
        assert penalty(network, real, fake, uniform, NONE).isfinite()


@pytest.mark.parametrize(
    ("name", "option"),
    [("gp", "weight"), ("lp", "weight"), ("r1", "gamma"), ("r2", "gamma"), ("dragan", "weight"), ("dragan", "spread")],
)
def test_penalties_reject_negative_options(name: str, option: str) -> None:
    assert make(name, **{option: 0.0}).to_spec()[option] == 0
    with pytest.raises(GanbenchError, match=f"{option} must not be negative"):
        make(name, **{option: -1.0})
