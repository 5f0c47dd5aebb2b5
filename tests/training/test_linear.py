"""Large linear layers of ensembles: the numbers of torch's own layer, in the memory layout of the weights."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from ganbench.training.linear import LARGE, keep_gradient_layout

SEEDS, BATCH, WIDTH = 3, 16, 256


class Once(nn.Module):
    """One large layer, with a bias or without."""

    def __init__(self, bias: bool) -> None:
        super().__init__()
        self.layer = nn.Linear(WIDTH, LARGE // WIDTH, bias=bias)

    def forward(self, inputs: Tensor) -> Tensor:
        output: Tensor = self.layer(inputs).tanh()
        return output


def gradients(network: nn.Module, weights: dict[str, Tensor], inputs: Tensor, penalty: float) -> dict[str, Tensor]:
    """Gradients of a loss, with a multiple of R1: a gradient's own gradient."""
    leaves = {name: weight.clone().requires_grad_() for name, weight in weights.items()}

    def loss(weights: dict[str, Tensor], inputs: Tensor) -> Tensor:
        def total(inputs: Tensor) -> Tensor:
            output: Tensor = torch.func.functional_call(network, weights, (inputs,)).sum()
            return output

        squared_norm: Tensor = torch.func.grad(total)(inputs).square().sum()
        return total(inputs) + penalty * squared_norm

    torch.func.vmap(loss)(leaves, inputs).sum().backward()
    return {name: leaf.grad for name, leaf in leaves.items() if leaf.grad is not None}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_gradients_are_torchs_own(bias: bool, penalty: float) -> None:
    """Bit for bit, but where gradients of one weight are added: their order isn't fixed."""
    plain = Once(bias)
    changed = copy.deepcopy(plain)
    keep_gradient_layout(changed)
    generator = torch.Generator().manual_seed(0)
    weights = {
        name: torch.randn(SEEDS, *weight.shape, generator=generator) / 16 for name, weight in plain.named_parameters()
    }
    inputs = torch.randn(SEEDS, BATCH, WIDTH, generator=generator)
    expected, found = (gradients(network, weights, inputs, penalty) for network in (plain, changed))
    assert expected.keys() == found.keys() == weights.keys()
    for name in expected:
        tolerance = 1e-5 if penalty else 0.0
        torch.testing.assert_close(found[name], expected[name], rtol=tolerance, atol=tolerance * 10)


def test_gradients_are_not_copied() -> None:
    """The gradient that autograd gets is the one that the weights keep: it has their layout already."""
    network = Once(bias=True)
    keep_gradient_layout(network)
    weights = {name: torch.randn(SEEDS, *weight.shape).requires_grad_() for name, weight in network.named_parameters()}
    given = []
    weights["layer.weight"].register_hook(lambda gradient: given.append((gradient.data_ptr(), gradient.stride())))
    inputs = torch.randn(SEEDS, BATCH, WIDTH)
    call = torch.func.vmap(lambda weights, inputs: torch.func.functional_call(network, weights, (inputs,)))
    call(weights, inputs).sum().backward()
    kept = weights["layer.weight"].grad
    assert kept is not None
    assert given == [(kept.data_ptr(), kept.stride())]


def test_layers_that_are_small_or_of_another_kind_are_left_alone() -> None:
    class Another(nn.Linear):
        """A subclass may compute something else."""

    network = nn.Sequential(nn.Linear(2, 2), Another(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH))
    keep_gradient_layout(network)
    assert ["forward" in vars(layer) for layer in network] == [False, False, True]


@pytest.mark.parametrize("unbatched", [0, 1])
def test_tensors_shared_by_all_seeds_get_the_sum_of_their_gradients(unbatched: int) -> None:
    layer = nn.Linear(WIDTH, WIDTH)
    keep_gradient_layout(layer)
    shapes = [(BATCH, WIDTH), (WIDTH, WIDTH)]
    tensors = [torch.randn(*(() if k == unbatched else (SEEDS,)), *shape) for k, shape in enumerate(shapes)]
    axes = tuple(None if k == unbatched else 0 for k in range(2))

    def gradient_of(network: nn.Linear) -> Tensor:
        leaves = [tensor.clone().requires_grad_() for tensor in tensors]

        def call(inputs: Tensor, weight: Tensor) -> Tensor:
            output: Tensor = torch.func.functional_call(network, {"weight": weight, "bias": layer.bias}, (inputs,))
            return output.square()

        torch.func.vmap(call, in_dims=axes)(*leaves).sum().backward()
        gradient = leaves[unbatched].grad
        assert gradient is not None
        return gradient

    plain = nn.Linear(WIDTH, WIDTH)
    torch.testing.assert_close(gradient_of(layer), gradient_of(plain), rtol=1e-4, atol=1e-2)


def test_hooks_of_a_layer_are_still_called() -> None:
    """Some networks make their weights in a hook, as `torch.nn.utils.weight_norm` does."""
    layer = nn.Linear(WIDTH, WIDTH)
    layer.register_forward_pre_hook(lambda layer, inputs: (inputs[0] * 2,))
    inputs = torch.randn(BATCH, WIDTH)
    expected = nn.Linear.forward(layer, inputs * 2)
    keep_gradient_layout(layer)
    torch.testing.assert_close(layer(inputs), expected)
