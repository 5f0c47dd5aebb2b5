"""GAN training as a textbook has it: two modules, two optimisers, one seed, one loop."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def minimax(
    generator: nn.Module,
    critic: nn.Module,
    batches: Sequence[tuple[Sequence[tuple[Tensor, Tensor]], Tensor]],
    *,
    lrs: tuple[float, float],
    betas: tuple[tuple[float, float], tuple[float, float]],
) -> tuple[float, float]:
    """Goodfellow et al. 2014, algorithm 1, with Adam. Each item of `batches` is a step: (real, z) for each update of
    the critic, and z for the generator. Returns the last gradient norms of generator and critic."""
    generator_optimizer = torch.optim.Adam(generator.parameters(), lr=lrs[0], betas=betas[0])
    critic_optimizer = torch.optim.Adam(critic.parameters(), lr=lrs[1], betas=betas[1])
    for critic_draws, z_generator in batches:
        for real, z in critic_draws:
            critic_optimizer.zero_grad()
            d_real, d_fake = critic(real).sigmoid(), critic(generator(z).detach()).sigmoid()
            (-(d_real.log().mean() + (1 - d_fake).log().mean())).backward()
            critic_norm = nn.utils.clip_grad_norm_(critic.parameters(), float("inf"))
            critic_optimizer.step()
        generator_optimizer.zero_grad()
        (1 - critic(generator(z_generator)).sigmoid()).log().mean().backward()
        generator_norm = nn.utils.clip_grad_norm_(generator.parameters(), float("inf"))
        generator_optimizer.step()
    return float(generator_norm), float(critic_norm)


def wgan_gp(
    generator: nn.Module,
    critic: nn.Module,
    batches: Sequence[tuple[Sequence[tuple[Tensor, Tensor, Tensor]], Tensor]],
    *,
    lrs: tuple[float, float],
    betas: tuple[tuple[float, float], tuple[float, float]],
) -> tuple[float, float]:
    """Gulrajani et al. 2017, algorithm 1, λ = 10; the critic's draws are (real, z, ε)."""
    generator_optimizer = torch.optim.Adam(generator.parameters(), lr=lrs[0], betas=betas[0])
    critic_optimizer = torch.optim.Adam(critic.parameters(), lr=lrs[1], betas=betas[1])
    for critic_draws, z_generator in batches:
        for real, z, epsilon in critic_draws:
            fake = generator(z).detach()
            e = epsilon.reshape(-1, 1, 1, 1)
            between = (e * real + (1 - e) * fake).requires_grad_()
            (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
            norms = gradient.flatten(1).norm(dim=1)
            critic_optimizer.zero_grad()
            (critic(fake).mean() - critic(real).mean() + 10 * ((norms - 1) ** 2).mean()).backward()
            critic_norm = nn.utils.clip_grad_norm_(critic.parameters(), float("inf"))
            critic_optimizer.step()
        generator_optimizer.zero_grad()
        (-critic(generator(z_generator)).mean()).backward()
        generator_norm = nn.utils.clip_grad_norm_(generator.parameters(), float("inf"))
        generator_optimizer.step()
    return float(generator_norm), float(critic_norm)
