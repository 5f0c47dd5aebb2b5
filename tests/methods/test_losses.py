"""Losses: the papers' formulas, gradient limits, invariances, and the divergences that they bound."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from ganbench.core.errors import GanbenchError
from ganbench.methods.losses import LOSSES, Loss
from ganbench.methods.losses._cross_entropy import CrossEntropy
from ganbench.methods.losses.f_gan import DIVERGENCES, GENERATORS, FGan
from ganbench.methods.losses.minimax import Minimax
from ganbench.methods.losses.non_saturating import NonSaturating
from ganbench.methods.losses.ragan import RaGan
from ganbench.methods.losses.rpgan import RpGan
from ganbench.methods.losses.wasserstein import Wasserstein
from tests.reference import losses as papers

NONE = torch.empty(0)
REAL, FAKE = [1.5, -0.25, 0.5], [0.75, -2.0, 0.25]
F_GANS = [{"divergence": divergence, "generator": generator} for divergence in DIVERGENCES for generator in GENERATORS]
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "minimax": [{"smoothing": 0.1}],
    "non-saturating": [{"smoothing": 0.25}],
    "dragan": [{"smoothing": 0.9}],
    "least-squares": [{"a": -1.0, "b": 1.0, "c": 0.0}, {"a": 0.5, "b": -2.0, "c": -3.0}],
    "f-gan": F_GANS,
}
"""Options other than the defaults."""
CASES = [(name, options) for name in LOSSES for options in [{}, *OPTIONS.get(name, [])]]
OURS = [(name, options) for name, options in CASES if not LOSSES[name].is_foreign()]


def make(name: str, **options: Any) -> Loss:
    return LOSSES.create({"name": name, **options})


def f_gan_critic(real: list[float], fake: list[float], divergence: str = "kl", generator: str = "divergence") -> float:
    return papers.f_gan_critic(real, fake, divergence)


def f_gan_generator(
    fake: list[float], real: list[float], divergence: str = "kl", generator: str = "divergence"
) -> float:
    formula = papers.f_gan_generator if generator == "divergence" else papers.f_gan_heuristic_generator
    return formula(fake, divergence)


# For each loss, the critic's formula of (real, fake) and the generator's of (fake, real), as in its paper.
PAPERS: dict[str, tuple[Callable[..., float], Callable[..., float]]] = {
    "minimax": (papers.goodfellow_critic, lambda g, x, smoothing=0: papers.goodfellow_generator(g)),
    "non-saturating": (papers.goodfellow_critic, lambda g, x, smoothing=0: papers.non_saturating_generator(g)),
    "dragan": (papers.goodfellow_critic, lambda g, x, smoothing=0: papers.non_saturating_generator(g)),
    "least-squares": (
        lambda x, g, a=0, b=1, c=1: papers.least_squares_critic(x, g, a, b),
        lambda g, x, a=0, b=1, c=1: papers.least_squares_generator(g, c),
    ),
    "hinge": (papers.hinge_critic, lambda g, x: papers.wasserstein_generator(g)),
    "wasserstein": (papers.wasserstein_critic, lambda g, x: papers.wasserstein_generator(g)),
    "wgan-gp": (papers.wasserstein_critic, lambda g, x: papers.wasserstein_generator(g)),
    "rpgan": (papers.relativistic_pairing, papers.relativistic_pairing),
    "r3gan": (papers.relativistic_pairing, papers.relativistic_pairing),
    "ragan": (papers.relativistic_average, papers.relativistic_average),
    "f-gan": (f_gan_critic, f_gan_generator),
}


@pytest.mark.parametrize(("name", "options"), OURS)
def test_losses_equal_the_formulas_of_their_papers(name: str, options: dict[str, Any]) -> None:
    loss = make(name, **options)
    real, fake = torch.tensor([REAL, FAKE], dtype=torch.float64)
    critic, generator = PAPERS[name]
    assert loss.critic_loss(real, fake).item() == pytest.approx(critic(REAL, FAKE, **options), rel=1e-12)
    paired_real = real if loss.paired else NONE
    assert loss.generator_loss(fake, paired_real).item() == pytest.approx(generator(FAKE, REAL, **options), rel=1e-12)


def test_minimax_generator_value_at_logit_one() -> None:
    assert Minimax().generator_loss(torch.tensor([1.0]), NONE).item() == pytest.approx(-1.3133, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "critic", "generator"),
    [
        ("minimax", 2 * math.log(2), -math.log(2)),
        ("non-saturating", 2 * math.log(2), math.log(2)),
        ("least-squares", 0.5, 0.5),
        ("hinge", 2, 0),
        ("wasserstein", 0, 0),
        ("rpgan", math.log(2), math.log(2)),
        ("ragan", 2 * math.log(2), 2 * math.log(2)),
    ],
)
def test_loss_values_at_logit_zero(name: str, critic: float, generator: float) -> None:
    zero, loss = torch.zeros(3), make(name)
    assert loss.critic_loss(zero, zero).item() == pytest.approx(critic)
    assert loss.generator_loss(zero, zero).item() == pytest.approx(generator)


def generator_gradient(loss: Loss, logit: float) -> float:
    fake = torch.tensor([float(logit)], requires_grad=True)
    (gradient,) = torch.autograd.grad(loss.generator_loss(fake, NONE), fake)
    return float(gradient)


def test_minimax_saturates_and_non_saturating_does_not() -> None:
    """As the logit of a generated sample goes to −∞, the gradient goes to 0 (minimax) or −1 (non-saturating)."""
    assert generator_gradient(Minimax(), -30) == pytest.approx(0, abs=1e-9)
    assert generator_gradient(NonSaturating(), -30) == pytest.approx(-1, abs=1e-9)
    assert generator_gradient(Minimax(), 0) == pytest.approx(generator_gradient(NonSaturating(), 0))


@pytest.mark.parametrize(("name", "options"), CASES)
def test_losses_and_their_gradients_are_finite_for_extreme_logits(name: str, options: dict[str, Any]) -> None:
    loss = make(name, **options)
    for on_real, on_fake in ((50.0, -50.0), (-50.0, 50.0), (50.0, 50.0), (-50.0, -50.0)):
        real = torch.full((2,), on_real, requires_grad=True)
        fake = torch.full((2,), on_fake, requires_grad=True)
        for value in (loss.critic_loss(real, fake), loss.generator_loss(fake, real if loss.paired else NONE)):
            assert value.isfinite()
            gradients = torch.autograd.grad(value, (real, fake), allow_unused=True)
            assert all(gradient.isfinite().all() for gradient in gradients if gradient is not None)


def both_losses(loss: Loss, real: Tensor, fake: Tensor) -> Tensor:
    return torch.stack([loss.critic_loss(real, fake), loss.generator_loss(fake, real if loss.paired else NONE)])


def pairs() -> tuple[Tensor, Tensor]:
    real, fake = 2 * torch.randn(2, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return real, fake


@pytest.mark.parametrize(("name", "options"), CASES)
def test_losses_under_vmap_equal_those_of_each_seed(name: str, options: dict[str, Any]) -> None:
    loss = make(name, **options)
    real, fake = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(1))
    lifted = torch.func.vmap(lambda x, g: both_losses(loss, x, g))(real, fake)
    torch.testing.assert_close(lifted, torch.stack([both_losses(loss, x, g) for x, g in zip(real, fake, strict=True)]))


@pytest.mark.parametrize("name", [name for name in LOSSES if LOSSES[name].paired])
def test_paired_losses_are_invariant_to_a_constant_added_to_the_critic(name: str) -> None:
    real, fake = pairs()
    torch.testing.assert_close(both_losses(make(name), real + 1.7, fake + 1.7), both_losses(make(name), real, fake))


@pytest.mark.parametrize("name", [name for name in LOSSES if issubclass(LOSSES[name], Wasserstein)])
def test_constant_added_to_a_wasserstein_critic_is_subtracted_from_the_generator_loss(name: str) -> None:
    real, fake = pairs()
    change = both_losses(make(name), real + 1.7, fake + 1.7) - both_losses(make(name), real, fake)
    torch.testing.assert_close(change, torch.tensor([0, -1.7], dtype=torch.float64))


@pytest.mark.parametrize(
    ("name", "options"),
    [(name, o) for name, o in OURS if not LOSSES[name].paired and not issubclass(LOSSES[name], Wasserstein)],
)
def test_other_losses_depend_on_a_constant_added_to_the_critic(name: str, options: dict[str, Any]) -> None:
    real, fake = pairs()
    change = both_losses(make(name, **options), real + 1.7, fake + 1.7) - both_losses(make(name, **options), real, fake)
    assert (change.abs() > 0.01).all()


@pytest.mark.parametrize(("name", "options"), CASES)
def test_losses_do_not_depend_on_the_order_of_pairs(name: str, options: dict[str, Any]) -> None:
    real, fake = pairs()
    order = torch.randperm(len(real), generator=torch.Generator().manual_seed(2))
    loss = make(name, **options)
    torch.testing.assert_close(both_losses(loss, real[order], fake[order]), both_losses(loss, real, fake))


@pytest.mark.parametrize(("name", "options"), OURS)
def test_only_relativistic_pairing_losses_depend_on_the_pairing(name: str, options: dict[str, Any]) -> None:
    real, fake = pairs()
    loss = make(name, **options)
    change = (both_losses(loss, real, fake.roll(1)) - both_losses(loss, real, fake)).abs()
    if issubclass(LOSSES[name], RpGan):
        assert (change > 0.01).all()
    else:
        torch.testing.assert_close(change, torch.zeros_like(change))


def test_relativistic_generator_loss_is_the_critic_loss_with_real_and_fake_swapped() -> None:
    real, fake = pairs()
    for loss in (RpGan(), RaGan()):
        torch.testing.assert_close(loss.generator_loss(fake, real), loss.critic_loss(fake, real))


CROSS_ENTROPIES = [name for name in LOSSES if issubclass(LOSSES[name], CrossEntropy)]


@pytest.mark.parametrize("name", CROSS_ENTROPIES)
def test_zero_smoothing_gives_the_plain_cross_entropy(name: str) -> None:
    real, fake = pairs()
    plain = torch.nn.functional.softplus(-real).mean() + torch.nn.functional.softplus(fake).mean()
    assert torch.equal(make(name, smoothing=0.0).critic_loss(real, fake), plain)


@pytest.mark.parametrize("name", CROSS_ENTROPIES)
def test_smoothed_critic_loss_is_minimal_at_probability_one_minus_s(name: str) -> None:
    loss = make(name, smoothing=0.1)
    best_logit = math.log(0.9 / 0.1)
    real = torch.tensor([best_logit], dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(loss.critic_loss(real, torch.zeros(1)), real)
    assert gradient.item() == pytest.approx(0, abs=1e-9)
    real, fake = pairs()
    without = make(name)
    assert torch.equal(loss.generator_loss(fake, NONE), without.generator_loss(fake, NONE)), (
        "smoothing must not change the generator loss"
    )


# Two distributions over four atoms, as batches of eight in which atoms occur in proportion to their probability.
P, Q = [4, 2, 1, 1], [1, 3, 2, 2]


def weights(counts: list[int]) -> list[float]:
    return [count / sum(counts) for count in counts]


def batch(logits: Tensor, counts: list[int]) -> Tensor:
    return logits.repeat_interleave(torch.tensor(counts))


RATIOS = [p / q for p, q in zip(P, Q, strict=True)]


@pytest.mark.parametrize("name", [name for name in LOSSES if LOSSES[name].output == "probability"])
def test_probability_output_of_the_best_critic_is_that_of_being_real(name: str) -> None:
    """The best critic is D = p / (p + q) (Goodfellow et al. 2014, proposition 1): its gradient is zero."""
    logits = torch.tensor([math.log(ratio) for ratio in RATIOS], dtype=torch.float64, requires_grad=True)
    loss = make(name)
    (gradient,) = torch.autograd.grad(loss.critic_loss(batch(logits, P), batch(logits, Q)), logits)
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), atol=1e-12, rtol=0)
    expected = torch.tensor([p / (p + q) for p, q in zip(P, Q, strict=True)], dtype=torch.float64)
    torch.testing.assert_close(loss.critic_output(logits.detach()), expected)


def closed_form(divergence: str) -> float:
    """The divergences, written out in their usual form."""
    both_weights = list(zip(weights(P), weights(Q), strict=True))
    return {
        "kl": sum(p * math.log(p / q) for p, q in both_weights),
        "reverse-kl": sum(q * math.log(q / p) for p, q in both_weights),
        "js": sum(p * math.log(2 * p / (p + q)) + q * math.log(2 * q / (p + q)) for p, q in both_weights),
        "pearson": sum((p - q) ** 2 / q for p, q in both_weights),
    }[divergence]


@pytest.mark.parametrize("divergence", list(DIVERGENCES))
def test_best_f_gan_critic_attains_the_divergence_and_no_other_exceeds_it(divergence: str) -> None:
    loss, expected = FGan(divergence=divergence), closed_form(divergence)
    assert papers.f_divergence(weights(P), weights(Q), divergence) == pytest.approx(expected)

    def bound(logits: Tensor) -> float:
        return -loss.critic_loss(batch(logits, P), batch(logits, Q)).item()

    best = torch.tensor([papers.BEST_CRITICS[divergence](ratio) for ratio in RATIOS], dtype=torch.float64)
    assert bound(best) == pytest.approx(expected, rel=1e-12)
    random = torch.Generator().manual_seed(3)
    for size in (0.03, 0.3, 3.0):
        for _ in range(20):
            assert bound(best + size * torch.randn(4, generator=random)) < expected - 1e-6


@pytest.mark.parametrize(("generator", "same"), [("divergence", Minimax()), ("heuristic", NonSaturating())])
def test_js_f_gan_has_the_gradients_of_minimax_or_non_saturating(generator: str, same: Loss) -> None:
    real, fake = (logits.requires_grad_() for logits in pairs())
    js = FGan(divergence="js", generator=generator)
    ours = torch.autograd.grad(js.critic_loss(real, fake), (real, fake))
    theirs = torch.autograd.grad(same.critic_loss(real, fake), (real, fake))
    torch.testing.assert_close(ours, theirs)
    (ours_g,) = torch.autograd.grad(js.generator_loss(fake, NONE), fake)
    (theirs_g,) = torch.autograd.grad(same.generator_loss(fake, NONE), fake)
    torch.testing.assert_close(ours_g, theirs_g)


@pytest.mark.parametrize("divergence", list(DIVERGENCES))
def test_composed_conjugates_equal_conjugate_of_activation(divergence: str) -> None:
    v = torch.linspace(-9, 9, 41, dtype=torch.float64)
    g, conjugate = papers.ACTIVATIONS[divergence], papers.CONJUGATES[divergence]
    expected = torch.tensor([conjugate(g(float(logit))) for logit in v], dtype=torch.float64)
    torch.testing.assert_close(DIVERGENCES[divergence].conjugate(v), expected)


@pytest.mark.parametrize("divergence", list(DIVERGENCES))
def test_f_gan_activations_rise_with_the_logit(divergence: str) -> None:
    """A large logit therefore means "real" for every divergence."""
    assert (DIVERGENCES[divergence].g(torch.linspace(-9, 9, 41, dtype=torch.float64)).diff() > 0).all()


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("minimax", {"smoothing": 1.0}, "smoothing"),
        ("non-saturating", {"smoothing": -0.1}, "smoothing"),
        ("least-squares", {"a": 1.0}, "must differ"),
        ("f-gan", {"divergence": "gan"}, "divergence must be one of kl"),
        ("f-gan", {"generator": "trick"}, "generator must be one of divergence"),
    ],
)
def test_losses_reject_invalid_options(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(GanbenchError, match=message):
        make(name, **options)
