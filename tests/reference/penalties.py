"""Textbook gradient penalties from the papers: a module, and `torch.autograd.grad` with a graph."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def input_gradients(critic: nn.Module, samples: Tensor) -> Tensor:
    """∇D of each sample by itself, flattened, [B, ...]."""
    gradients = []
    for sample in samples:
        x = sample.unsqueeze(0).clone().requires_grad_()
        (gradient,) = torch.autograd.grad(critic(x).squeeze(), x, create_graph=True)
        gradients.append(gradient.flatten())
    return torch.stack(gradients)


def between(real: Tensor, fake: Tensor, uniform: Tensor) -> Tensor:
    return torch.stack([u * x + (1 - u) * y for u, x, y in zip(uniform, real, fake, strict=True)])


def gp(critic: nn.Module, real: Tensor, fake: Tensor, uniform: Tensor, noise: Tensor) -> Tensor:
    """Gulrajani et al. 2017, eq. 3, λ = 10."""
    norms = input_gradients(critic, between(real, fake, uniform)).norm(dim=1)
    return 10 * torch.mean((norms - 1) ** 2)


def lp(critic: nn.Module, real: Tensor, fake: Tensor, uniform: Tensor, noise: Tensor) -> Tensor:
    """Petzka et al. 2018: E (max{0, ‖∇f(x̂)‖ − 1})², λ = 10."""
    norms = input_gradients(critic, between(real, fake, uniform)).norm(dim=1)
    return 10 * torch.mean(torch.maximum(torch.zeros_like(norms), norms - 1) ** 2)


def r1(critic: nn.Module, real: Tensor, fake: Tensor, uniform: Tensor, noise: Tensor) -> Tensor:
    """Mescheder et al. 2018, eq. 9, γ = 1."""
    return 0.5 * torch.mean(input_gradients(critic, real).norm(dim=1) ** 2)


def r2(critic: nn.Module, real: Tensor, fake: Tensor, uniform: Tensor, noise: Tensor) -> Tensor:
    """Mescheder et al. 2018, eq. 10, γ = 1."""
    return 0.5 * torch.mean(input_gradients(critic, fake).norm(dim=1) ** 2)


def dragan(critic: nn.Module, real: Tensor, fake: Tensor, uniform: Tensor, noise: Tensor) -> Tensor:
    """Kodali et al. 2017: E (‖∇D(x + δ)‖ − 1)², λ = 10, δ of half the batch's standard deviation as in their code."""
    std = ((real - real.mean()) ** 2).mean().sqrt()
    norms = input_gradients(critic, real + 0.5 * std * noise).norm(dim=1)
    return 10 * torch.mean((norms - 1) ** 2)
