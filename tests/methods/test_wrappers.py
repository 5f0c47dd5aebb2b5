"""Wrappers of critics: compared with plain loops and PyTorch's layers, each on every architecture."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from ganbench.core.errors import GanbenchError
from ganbench.methods.layers import Head
from ganbench.methods.wrappers import WRAPPERS, Wrapper
from ganbench.training.lift import in_turn, together
from tests.methods.test_archs import SMALL, heads, make_small, small_shape
from tests.reference import wrappers as textbook

pytestmark = pytest.mark.usefixtures("one_thread")

BATCH = 8
SPECS: list[dict[str, Any]] = [
    {"name": "clip", "limit": 0.1},
    {"name": "spectral-norm"},
    {"name": "batch-norm"},
    {"name": "batch-norm-everywhere"},
    {"name": "minibatch-std"},
    {"name": "minibatch-discrimination", "kernels": 3, "dimensions": 2},
]
each_wrapper = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec["name"])
each_arch = pytest.mark.parametrize("arch", list(SMALL))


def make(name: str, **options: Any) -> Wrapper:
    return WRAPPERS.create({"name": name, **options})


def wrapped(wrapper: Wrapper, arch: str, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return wrapper.wrap(make_small(arch).critic(small_shape(arch)), BATCH).double()


def inputs(arch: str, seed: int = 0, kinds: int = 2) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(kinds * BATCH, *small_shape(arch), generator=random, dtype=torch.float64)


def tensors(critic: nn.Module) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    return {name: p.detach() for name, p in critic.named_parameters()}, dict(critic.named_buffers())


def constrain(wrapper: Wrapper, critic: nn.Module) -> None:
    changed = wrapper.constrain(*tensors(critic))
    assert changed.keys() <= critic.state_dict().keys()
    critic.load_state_dict(dict(changed), strict=False)


def stack_critics(critics: list[nn.Module]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Parameters and buffers, each stacked along a leading axis of critics."""

    def stack(states: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        return {name: torch.stack([state[name] for state in states]) for name in states[0]}

    return stack([tensors(critic)[0] for critic in critics]), stack([tensors(critic)[1] for critic in critics])


def layers(critic: nn.Module) -> list[nn.Linear | nn.Conv2d]:
    return [layer for layer in critic.modules() if isinstance(layer, nn.Linear | nn.Conv2d)]


def test_every_wrapper_is_tested() -> None:
    assert {spec["name"] for spec in SPECS} == {name for name in WRAPPERS if not WRAPPERS[name].is_foreign()}


# Every wrapper on every architecture.


@each_wrapper
@each_arch
def test_wrapped_critic_scores_one_or_two_batches_without_side_effects(arch: str, spec: dict[str, Any]) -> None:
    critic = wrapped(WRAPPERS.create(spec), arch)
    before = copy.deepcopy(critic.state_dict())
    first = critic(inputs(arch))
    assert first.shape == (2 * BATCH,)
    assert first.isfinite().all()
    assert critic(inputs(arch, kinds=1)).shape == (BATCH,)
    assert len(heads(critic)) == 1
    assert torch.equal(critic(inputs(arch)), first)
    assert all(torch.equal(tensor, before[name]) for name, tensor in critic.state_dict().items())


@each_wrapper
@each_arch
def test_real_and_generated_samples_do_not_influence_each_other(arch: str, spec: dict[str, Any]) -> None:
    critic = wrapped(WRAPPERS.create(spec), arch)
    both, others = inputs(arch), inputs(arch, seed=1)
    real_with_others = torch.cat([both[:BATCH], others[BATCH:]])
    fake_with_others = torch.cat([others[:BATCH], both[BATCH:]])
    logits = critic(both)
    assert torch.equal(critic(real_with_others)[:BATCH], logits[:BATCH])
    assert torch.equal(critic(fake_with_others)[BATCH:], logits[BATCH:])
    assert not torch.equal(critic(real_with_others)[BATCH:], logits[BATCH:])
    torch.testing.assert_close(critic(both[:BATCH]), logits[:BATCH])


@each_wrapper
@each_arch
def test_double_backward_of_stacked_seeds_equals_that_of_each_alone(arch: str, spec: dict[str, Any]) -> None:
    wrapper = WRAPPERS.create(spec)
    critics = [wrapped(wrapper, arch, seed) for seed in range(2)]
    stacked_samples = torch.stack([inputs(arch, seed) for seed in range(2)])
    parameters, buffers = stack_critics(critics)

    def penalty(parameters: dict[str, Tensor], buffers: dict[str, Tensor], samples: Tensor) -> Tensor:
        def total(x: Tensor) -> Tensor:
            logits: Tensor = torch.func.functional_call(critics[0], parameters | buffers, (x,))
            return logits.square().sum()

        gradient: Tensor = torch.func.grad(total)(samples)
        return gradient.square().sum()

    stacked_gradients = torch.func.vmap(torch.func.grad(penalty))(parameters, buffers, stacked_samples)
    for row, critic in enumerate(critics):
        samples = stacked_samples[row].clone().requires_grad_()
        (gradient,) = torch.autograd.grad(critic(samples).square().sum(), samples, create_graph=True)
        names, critic_parameters = zip(*critic.named_parameters(), strict=True)
        expected_gradients = torch.autograd.grad(gradient.square().sum(), critic_parameters)
        for name, expected in zip(names, expected_gradients, strict=True):
            assert expected.isfinite().all()
            torch.testing.assert_close(stacked_gradients[name][row], expected, rtol=1e-6, atol=1e-9)


@each_wrapper
@each_arch
def test_constraining_stacked_seeds_equals_constraining_each_alone(arch: str, spec: dict[str, Any]) -> None:
    wrapper = WRAPPERS.create(spec)
    critics = [wrapped(wrapper, arch, seed) for seed in range(3)]
    parameters, buffers = stack_critics(critics)
    for lifted in (together(wrapper.constrain), in_turn(wrapper.constrain, len(critics))):
        stacked_result = lifted(parameters, buffers)
        for row, critic in enumerate(critics):
            single_result = wrapper.constrain(*tensors(critic))
            assert single_result.keys() == stacked_result.keys()
            for name, tensor in single_result.items():
                torch.testing.assert_close(stacked_result[name][row], tensor)


@each_wrapper
def test_weights_of_a_wrapped_critic_depend_only_on_the_seed(spec: dict[str, Any]) -> None:
    wrapper = WRAPPERS.create(spec)
    first, again, other = (wrapped(wrapper, "r3gan-small", seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@each_arch
def test_all_wrappers_can_be_combined(arch: str) -> None:
    critic = make_small(arch).critic(small_shape(arch))
    order = ("minibatch-std", "minibatch-discrimination", "batch-norm", "spectral-norm", "clip")
    for name in order:
        critic = make(name).wrap(critic, BATCH)
    critic = critic.double()
    assert critic(inputs(arch)).isfinite().all()
    assert heads(critic)[0].features == heads(make_small(arch).critic(small_shape(arch)))[0].features + 101


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("clip", {"limit": 0.0}),
        ("clip", {"limit": -1.0}),
        ("spectral-norm", {"iterations": 0}),
        ("minibatch-std", {"group": 1}),
        ("minibatch-discrimination", {"kernels": 0}),
        ("minibatch-discrimination", {"dimensions": 0}),
    ],
)
def test_invalid_options_are_rejected(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(GanbenchError, match=next(iter(options))):
        make(name, **options)


# Clipping.


def test_clipping_limits_weights_and_leaves_smaller_ones() -> None:
    critic = nn.Sequential(nn.Linear(2, 1), Head(1))
    values = [torch.tensor([[0.5, -0.5]]), torch.tensor([0.05]), torch.tensor([[-0.1]]), torch.tensor([0.3])]
    for parameter, value in zip(critic.parameters(), values, strict=True):
        parameter.data = value
    clip = make("clip", limit=0.1)
    assert clip.wrap(critic, 1) is critic
    assert next(critic.parameters()).tolist() == [[0.5, -0.5]], "nothing is clipped before the first update"
    constrain(clip, critic)
    for parameter, expected in zip(critic.parameters(), ([[0.1, -0.1]], [0.05], [[-0.1]], [0.1]), strict=True):
        assert torch.equal(parameter, torch.tensor(expected))


# Spectral normalisation.


@each_arch
def test_every_layer_has_spectral_norm_one_after_convergence(arch: str) -> None:
    wrapper = make("spectral-norm", iterations=400)
    critic = wrapped(wrapper, arch)
    constrain(wrapper, critic)
    assert heads(critic)[0].linear in layers(critic)
    for layer in layers(critic):
        norm = torch.linalg.matrix_norm(layer.weight.flatten(1), ord=2).item()
        assert norm == pytest.approx(1, abs=1e-4)


def test_spectral_norm_stays_near_one_while_weights_change() -> None:
    wrapper = make("spectral-norm")
    critic = wrapped(wrapper, "dcgan")
    random = torch.Generator().manual_seed(0)
    for _ in range(30):
        for layer in layers(critic):
            norm = torch.linalg.matrix_norm(layer.weight.flatten(1), ord=2).item()
            assert norm == pytest.approx(1, abs=0.05)
            # σ never exceeds the largest singular value.
            assert norm > 1 - 1e-9
        with torch.no_grad():
            for parameter in critic.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=random), alpha=2e-4)
        constrain(wrapper, critic)


@each_arch
def test_spectral_normalisation_removes_the_scale_of_weights(arch: str) -> None:
    wrapper = make("spectral-norm")
    critic = wrapped(wrapper, arch)
    before = critic(inputs(arch))
    with torch.no_grad():
        for name, parameter in critic.named_parameters():
            if name.endswith("original"):
                parameter.mul_(3)
    torch.testing.assert_close(critic(inputs(arch)), before)


@pytest.mark.parametrize("iterations", [1, 3])
def test_spectral_normalisation_equals_pytorchs_at_each_update(iterations: int) -> None:
    layer = nn.Linear(5, 3, dtype=torch.float64)
    # The paper updates v before u, PyTorch u before v, so ours corresponds to theirs on the transposed weight.
    theirs = parametrizations.spectral_norm(copy.deepcopy(layer), n_power_iterations=iterations, dim=1).train()
    torch_norm = theirs.get_submodule("parametrizations.weight.0")
    wrapper = make("spectral-norm", iterations=iterations)
    critic = wrapper.wrap(nn.Sequential(layer), BATCH)
    start = {"u": torch_norm.get_buffer("_v").clone(), "v": torch_norm.get_buffer("_u").clone()}
    critic.load_state_dict({f"0.parametrizations.weight.0.{name}": start[name] for name in start}, strict=False)
    for _ in range(3):
        constrain(wrapper, critic)
        torch.testing.assert_close(layer.weight, theirs.weight)  # reading PyTorch's weight updates it
        for network in (layer, theirs):
            with torch.no_grad():
                original = network.get_submodule("parametrizations.weight").get_parameter("original")
                original.add_(torch.eye(3, 5, dtype=torch.float64), alpha=0.3)


def test_spectral_normalisation_of_convolutions_equals_pytorchs() -> None:
    torch.manual_seed(0)  # some matrices need more iterations
    layer = nn.Conv2d(4, 6, 3, groups=2, dtype=torch.float64)
    theirs = parametrizations.spectral_norm(copy.deepcopy(layer), n_power_iterations=500)
    wrapper = make("spectral-norm", iterations=500)
    constrain(wrapper, wrapper.wrap(nn.Sequential(layer), BATCH))
    torch.testing.assert_close(layer.weight, theirs.weight)


def test_gradient_of_spectral_normalisation_equals_the_papers() -> None:
    """Miyato et al. 2018, eq. 12: (1/σ) (G − ⟨G, W̄⟩ u vᵀ) for the gradient G at the normalised weight W̄."""
    wrapper = make("spectral-norm")
    layer = nn.Linear(4, 3, dtype=torch.float64)
    wrapper.wrap(nn.Sequential(layer), BATCH)
    weight_gradient = torch.randn(3, 4, dtype=torch.float64)
    (layer.weight * weight_gradient).sum().backward()
    parametrization = layer.get_submodule("parametrizations.weight")
    original, u, v = (
        parametrization.get_parameter("original"),
        parametrization.get_buffer("0.u"),
        parametrization.get_buffer("0.v"),
    )
    sigma = u @ original @ v
    expected = (weight_gradient - (weight_gradient * layer.weight).sum() * torch.outer(u, v)) / sigma
    torch.testing.assert_close(original.grad, expected)
    assert u.norm().item() == pytest.approx(1)
    assert v.norm().item() == pytest.approx(1)


def test_zero_layers_start_nonzero_under_spectral_normalisation() -> None:
    critic = make_small("r3gan-small").critic((1, 8, 8))
    zero = [index for index, layer in enumerate(layers(critic)) if not layer.weight.any()]
    assert len(zero) == 3
    make("spectral-norm").wrap(critic, BATCH)
    assert all(layer.weight.isfinite().all() and layer.weight.any() for layer in layers(critic))


# Batch normalisation.


@pytest.mark.parametrize(
    ("arch", "reference"), [("dcgan", textbook.batch_norm_dcgan), ("mlp", textbook.batch_norm_mlp)]
)
def test_batch_normalisation_equals_pytorchs_on_real_and_generated_samples_separately(
    arch: str, reference: Callable[[nn.Sequential], nn.Sequential]
) -> None:
    critic = make_small(arch).critic(small_shape(arch)).double()
    assert isinstance(critic, nn.Sequential)
    theirs = reference(copy.deepcopy(critic)).double().train()
    ours = make("batch-norm").wrap(critic, BATCH).double()
    scale, shift = torch.rand(8, dtype=torch.float64) + 0.5, torch.randn(8, dtype=torch.float64)
    for network in (ours, theirs):
        (norm,) = (m for m in network.modules() if "Norm" in type(m).__name__)
        norm.load_state_dict({"weight": scale, "bias": shift}, strict=False)
    real, fake = inputs(arch).split(BATCH)
    torch.testing.assert_close(ours(torch.cat([real, fake])), torch.cat([theirs(real), theirs(fake)]))
    torch.testing.assert_close(ours(fake), theirs(fake))


@each_arch
@pytest.mark.parametrize(("name", "plain_layers"), [("batch-norm", 1), ("batch-norm-everywhere", 0)])
def test_batch_normalisation_follows_all_hidden_layers_or_all_but_the_first(
    arch: str, name: str, plain_layers: int
) -> None:
    plain = make_small(arch).critic(small_shape(arch))
    critic = make(name).wrap(copy.deepcopy(plain), BATCH)
    norms = [module for module in critic.modules() if "Norm" in type(module).__name__]
    assert len(norms) == len(layers(plain)) - 1 - plain_layers
    *hidden, head = layers(critic)
    if plain_layers:
        first = hidden.pop(0)
        assert (first.bias is None) == (layers(plain)[0].bias is None), "the first layer keeps its bias"
    assert all(layer.bias is None for layer in hidden), "normalisation would cancel the biases of the others"
    assert head.bias is not None


@pytest.mark.parametrize("name", ["batch-norm", "batch-norm-everywhere", "minibatch-discrimination"])
def test_batch_level_wrappers_reject_partial_batches_and_take_no_penalties(name: str) -> None:
    critic = wrapped(make(name), "mlp")
    with pytest.raises(ValueError, match="batches of 8"):
        critic(inputs("mlp")[: BATCH + 1])
    with pytest.raises(ValueError, match="at least 2"):
        make(name).wrap(make_small("mlp").critic((2,)), 1)
    assert not make(name).takes_penalties


# Batch-level features.


@pytest.mark.parametrize("spec", SPECS[4:], ids=lambda spec: spec["name"])
@each_arch
def test_new_head_keeps_the_weights_of_the_old_features(arch: str, spec: dict[str, Any]) -> None:
    critic = make_small(arch).critic(small_shape(arch)).double()
    before = critic(inputs(arch))
    features = heads(critic)[0].features
    critic = WRAPPERS.create(spec).wrap(critic, BATCH).double()
    head = heads(critic)[0]
    assert head.features > features
    assert not torch.equal(critic(inputs(arch)), before), "the new features must have an effect"
    with torch.no_grad():
        head.linear.weight[:, features:] = 0
    torch.testing.assert_close(critic(inputs(arch)), before)


def only_new_features(name: str, batch: int, features: int, **options: Any) -> nn.Module:
    """The layer that a wrapper inserts before the head, [N, features] to [N, new features]."""
    critic = make(name, **options).wrap(nn.Sequential(Head(features)), batch).double()
    return critic.get_submodule("0.0.layer")


def test_minibatch_deviation_matches_values_computed_by_hand() -> None:
    layer = only_new_features("minibatch-std", 2, 2, group=2)
    # The deviations of (1, 5) and (2, 2) are 2 and 0, those of (0, 0) and (−3, 3) are 0 and 3.
    features = torch.tensor([[1.0, 2], [5, 2], [0, -3], [0, 3]], dtype=torch.float64)
    assert layer(features).flatten().tolist() == pytest.approx([1, 1, 1.5, 1.5], abs=1e-4)


def test_minibatch_deviation_equals_a_plain_loop_over_groups() -> None:
    layer = only_new_features("minibatch-std", 6, 5, group=3)
    features = torch.randn(12, 5, dtype=torch.float64)
    expected = [textbook.minibatch_std(features[i - i % 3 :][:3]) for i in range(12)]
    assert layer(features).flatten().tolist() == pytest.approx(expected)


def test_identical_inputs_have_zero_deviation_and_a_finite_gradient() -> None:
    layer = only_new_features("minibatch-std", 4, 3)
    features = torch.ones(4, 3, dtype=torch.float64, requires_grad=True)
    deviation = layer(features)
    assert deviation.flatten().tolist() == pytest.approx([1e-4] * 4), "the square root of the authors' 1e-8"
    deviation.sum().backward()
    assert features.grad is not None
    assert features.grad.isfinite().all()


def test_group_size_must_divide_the_batch_size() -> None:
    with pytest.raises(ValueError, match="must divide"):
        make("minibatch-std", group=4).wrap(nn.Sequential(Head(3)), 6)


def test_minibatch_discrimination_equals_a_plain_loop_over_pairs() -> None:
    layer = only_new_features("minibatch-discrimination", 4, 3, kernels=2, dimensions=3)
    features = torch.randn(8, 3, dtype=torch.float64)
    (projection,) = layer.parameters()
    expected = [textbook.minibatch_discrimination(batch, projection.detach()) for batch in (features[:4], features[4:])]
    torch.testing.assert_close(layer(features), torch.tensor(expected, dtype=torch.float64).flatten(0, 1))


def test_minibatch_discrimination_is_maximal_for_identical_inputs_and_zero_for_distant_ones() -> None:
    layer = only_new_features("minibatch-discrimination", 5, 3)
    identical = layer(torch.ones(5, 3, dtype=torch.float64))
    assert identical.shape == (5, 100)
    torch.testing.assert_close(identical, torch.full_like(identical, 4.0))
    distant = layer(1e6 * torch.arange(15, dtype=torch.float64).reshape(5, 3).cos())
    assert distant.abs().max() < 1e-3


def test_minibatch_discrimination_can_be_differentiated_twice_as_unrolling_does() -> None:
    layer = only_new_features("minibatch-discrimination", 3, 2, kernels=2, dimensions=2)
    features = torch.randn(6, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, features)
    assert torch.autograd.gradgradcheck(layer, features)


def test_identical_inputs_do_not_push_each_other() -> None:
    layer = only_new_features("minibatch-discrimination", 4, 3)
    features = torch.ones(4, 3, dtype=torch.float64, requires_grad=True)
    layer(features).sum().backward()
    assert features.grad is not None
    assert features.grad.abs().max() == 0


def test_projections_initially_have_length_one() -> None:
    (projection,) = only_new_features("minibatch-discrimination", 2, 7).parameters()
    assert projection.shape == (7, 100, 5)
    torch.testing.assert_close(projection.norm(dim=0), torch.ones(100, 5, dtype=torch.float64))
    assert math.isclose(projection.mean().item(), 0, abs_tol=5 / math.sqrt(7 * 3500))


def test_new_head_after_spectral_normalisation_is_rejected() -> None:
    critic = make("spectral-norm").wrap(make_small("mlp").critic((2,)), BATCH)
    with pytest.raises(ValueError, match="before"):
        make("minibatch-std").wrap(critic, BATCH)
