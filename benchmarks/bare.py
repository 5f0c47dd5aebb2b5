"""Bare training step: the same mathematics as ours on plain modules, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn.functional import softplus

from ganbench.data import Data
from ganbench.methods.layers import upsample_channels_last
from ganbench.spec.run_spec import RunSpec


def bare_steps(spec: RunSpec, data: Data, device: torch.device) -> Iterator[None]:
    """Training steps of the non-saturating GAN, an endless iterator.

    In float32, with one pass for real and generated samples, no unneeded gradients, and fused Adam.
    """
    train = spec.train
    generator, critic = spec.generator(data.shape).to(device), spec.critic(data.shape).to(device)
    # Same memory format as ours, since only the overhead of a run over its steps is measured.
    if device.type == "cpu":
        upsample_channels_last(generator)
    optimizers = [_adam(network, lr) for network, lr in ((generator, train.generator_lr), (critic, train.critic_lr))]
    batches = len(data) // train.batch_size
    latents = (train.batch_size, spec.arch.latent_dim)
    while True:
        for indices in torch.randperm(len(data), device=device)[: batches * train.batch_size].split(train.batch_size):
            real = data.batch(indices)
            with torch.no_grad():
                fake = generator(torch.randn(latents, device=device))
            on_real, on_fake = critic(torch.cat([real, fake])).chunk(2)
            _update(critic, optimizers[1], softplus(-on_real).mean() + softplus(on_fake).mean())

            critic.requires_grad_(False)
            on_fake = critic(generator(torch.randn(latents, device=device)))
            _update(generator, optimizers[0], softplus(-on_fake).mean())
            critic.requires_grad_(True)
            yield


def _adam(network: nn.Module, lr: float) -> torch.optim.Optimizer:
    return torch.optim.Adam(network.parameters(), lr=lr, betas=(0.5, 0.999), fused=True)


def _update(network: nn.Module, optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    for parameter in network.parameters():
        parameter.grad = None
    loss.backward()
    optimizer.step()
