"""S networks of the same shape, held as one set of weights with a leading seed axis.

The mathematics is written for one seed and lifted to all of them (`ganbench.training.lift`). Seeds are independent, so
one ordinary Adam on the stacked weights, given the gradient of the sum of their losses, *is* each seed's own Adam.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.core.seeding import Purpose, default_stream
from ganbench.methods.layers import full_precision, upsample_channels_last
from ganbench.training.linear import keep_gradient_layout

Weights = dict[str, Tensor]
"""Parameters and buffers by name: [S, ...] in an ensemble, [...] for one seed."""


class Ensemble:
    """S networks of the same shape, each initialised from its own seed's stream.

    With precision "bf16", products and convolutions in training are computed in bfloat16 (autocast); weights,
    gradients, normalisation, the critic's head and all losses stay float32, and so do samples for scoring.

    Attributes:
        parameters: leaf tensors [S, ...] that require gradients.
        buffers: running statistics [S, ...], changed in place by a forward pass in training mode.
        trained: the parameters' storage without gradients; optimiser steps are visible in it.
        frozen: `trained` and the buffers, for passes that need no gradients.
    """

    def __init__(
        self,
        build: Callable[[], nn.Module],
        seeds: Sequence[int],
        purpose: Purpose,
        device: torch.device,
        precision: str = "float32",
    ) -> None:
        networks = []
        for seed in seeds:
            # Built on the CPU, so that a seed's initial weights are the same on every device.
            with default_stream(seed, purpose):
                networks.append(build())

        def stacked(weights_by_network: list[Weights]) -> Weights:
            return {
                name: torch.stack([weights[name] for weights in weights_by_network]).to(device)
                for name in weights_by_network[0]
            }

        self.parameters = {
            name: tensor.detach().requires_grad_()
            for name, tensor in stacked([dict(network.named_parameters()) for network in networks]).items()
        }
        self.buffers = stacked([dict(network.named_buffers()) for network in networks])
        self.trained = {name: tensor.detach() for name, tensor in self.parameters.items()}
        self.frozen: Weights = self.trained | self.buffers
        self._network = networks[0].to("meta").train()
        self._call = caller(self._network)
        self._forward = self._in_bf16 if precision == "bf16" else self._call
        self._device = device.type
        self._eval_network = copy.deepcopy(self._network).eval()
        self._statistics_network = copy.deepcopy(self._network)
        self._precision = precision
        for layer in self._statistics_network.modules():
            if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                layer.momentum = None  # a plain mean over batches

    @property
    def weights(self) -> Weights:
        """All tensors that a forward pass needs, [S, ...]; gradients flow to the parameters."""
        return self.parameters | self.buffers

    @property
    def convolves(self) -> bool:
        """True if the networks have convolutions."""
        return any(isinstance(layer, nn.modules.conv._ConvNd) for layer in self._network.modules())

    def prepare_in_turn(self) -> None:
        """Prepare the layers for passes of one seed after another."""
        if self._device == "cpu":
            upsample_channels_last(self._network)

    def prepare_together(self) -> None:
        """Prepare the layers for passes of all seeds under `vmap`."""
        if self._device == "cpu" and self._precision == "float32":
            keep_gradient_layout(self._network)
        for layer in self._network.modules():
            # By itself it accepts bfloat16 and computes in float32 anyway; under `vmap` it doesn't.
            if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                layer.register_forward_pre_hook(lambda _, inputs: (full_precision(inputs[0]),))

    def forward(self, weights: Weights, inputs: Tensor) -> Tensor:
        """One seed's forward pass in training mode."""
        return self._forward(weights, inputs)

    def _in_bf16(self, weights: Weights, inputs: Tensor) -> Tensor:
        with torch.autocast(self._device, torch.bfloat16):
            return self._call(weights, inputs).float()

    @torch.no_grad()
    def forward_eval(self, weights: Weights, inputs: Tensor) -> Tensor:
        """One seed's forward pass in eval mode: a sample does not depend on its batch."""
        output: Tensor = torch.func.functional_call(self._eval_network, weights, (inputs,))
        return output

    @torch.no_grad()
    def recompute_batchnorm_stats(self, weights: Weights, batches: Iterable[Tensor]) -> None:
        """Replace one seed's running statistics, in place, by means over some batches of inputs."""
        if self.buffers:
            for name in self.buffers:
                weights[name].zero_()
            for inputs in batches:
                torch.func.functional_call(self._statistics_network, weights, (inputs,))

    def gradients(self) -> list[Tensor]:
        """The last gradient of each parameter, [S, ...]; zero for parameters that no loss depended on."""
        parameters = self.parameters.values()
        return [torch.zeros_like(tensor) if tensor.grad is None else tensor.grad for tensor in parameters]

    def gradient_norms(self) -> Tensor:
        """L2 norm of each seed's last gradient over all parameters, [S]."""
        norm = torch.linalg.vector_norm
        norms: Tensor = norm(torch.stack([norm(gradient.flatten(1), dim=1) for gradient in self.gradients()]), dim=0)
        return norms


def caller(network: nn.Module) -> Callable[[Weights, Tensor], Tensor]:
    """Turn a network into a function of its weights and inputs; the network's own weights are lost.

    It does the same as `torch.func.functional_call`, without the precautions for networks that are also used otherwise,
    which cost more than a small network's whole forward pass.
    """
    names = {id(tensor): name for name, tensor in (*network.named_parameters(), *network.named_buffers())}
    # A layer's dictionaries are typed for leaves; here they get tensors that autograd knows.
    slots: list[tuple[dict[str, Any], str, str]] = [
        (container, key, names[id(tensor)])
        for layer in network.modules()
        for container in (layer._parameters, layer._buffers)
        for key, tensor in container.items()
        if tensor is not None
    ]

    def call(weights: Weights, inputs: Tensor) -> Tensor:
        for container, key, name in slots:
            container[key] = weights[name]
        output: Tensor = network(inputs)
        return output

    return call
