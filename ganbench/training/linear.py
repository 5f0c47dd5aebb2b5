"""Linear layers of ensembles whose weight gradients come out in the weights' own memory layout.

torch's gradient of a batched product with respect to its transposed second factor is the transpose of a result, which
autograd then copies into the layout of the weights: a fifth of the time of a step of `mlp` on MNIST. The products are
the same, bit for bit; with unrolled updates, gradients of one weight may be added in another order.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.autograd import Function

LARGE = 2**16
"""Weights from which it is worth it: below, the call costs more than the copy."""


def keep_gradient_layout(network: nn.Module) -> None:
    """Let the large linear layers of a network that is called under `vmap` compute through `_Linear`."""
    for layer in network.modules():
        # Not subclasses: they may compute something else. And no other layer in its place (`replace_layers`): it would
        # lack the hooks of this one, which may be what makes its weights, as in weight normalisation.
        if type(layer) is nn.Linear and layer.in_features * layer.out_features >= LARGE:
            layer.forward = partial(_linear, layer)  # type: ignore[method-assign]


def _linear(layer: nn.Linear, inputs: Tensor) -> Tensor:
    if inputs.ndim != 2:
        return nn.Linear.forward(layer, inputs)
    output: Tensor = _Linear.apply(inputs, layer.weight, layer.bias)
    return output


class _Linear(Function):
    """x W^T + b for x [..., B, in], W [..., out, in] and b [..., out]; its gradients can be differentiated again."""

    @staticmethod
    def forward(inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        output = inputs @ weight.mT
        return output if bias is None else output.add_(bias.unsqueeze(-2))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor | None], output: Tensor) -> None:
        ctx.save_for_backward(*inputs[:2])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        inputs, weight = ctx.saved_tensors
        needed = ctx.needs_input_grad
        return (
            gradient @ weight if needed[0] else None,
            gradient.mT @ inputs if needed[1] else None,
            gradient.sum(-2) if needed[2] else None,
        )

    @staticmethod
    def vmap(info: Any, axes: tuple[int | None, ...], *tensors: Tensor | None) -> tuple[Tensor, int]:
        # A tensor without a seed axis broadcasts, and autograd sums its gradient.
        moved = [
            tensor if tensor is None or axis is None else tensor.movedim(axis, 0)
            for tensor, axis in zip(tensors, axes, strict=True)
        ]
        return _Linear.apply(*moved), 0
