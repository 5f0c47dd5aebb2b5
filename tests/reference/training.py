"""Textbook GAN training: two modules, two optimisers, one seed, one loop."""

from __future__ import annotations

import copy
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


def packed(samples: Tensor, pac: int) -> Tensor:
    """Lin et al. 2018: m consecutive samples are concatenated to one input."""
    return torch.cat([samples[i::pac] for i in range(pac)], dim=1)


def train_all_options(
    generator: nn.Module,
    critic: nn.Module,
    rounds: Sequence[tuple[Sequence[tuple[Tensor, Tensor, Tensor, Tensor]], Sequence[tuple[Tensor, Tensor]]]],
    *,
    pac: int,
    gamma: Sequence[float],
    lrs: Sequence[tuple[float, float]],
    betas: tuple[float, float],
    keep: Sequence[float],
) -> nn.Module:
    """Non-saturating loss with R1, packing, instance noise, several updates of both networks, schedules and averaging.

    A round is (real, z, noise on real, noise on generated) for each critic update, and (z, noise) for each of the
    generator's. Returns the averaged generator.
    """
    averaged = copy.deepcopy(generator)
    generator_optimizer = torch.optim.Adam(generator.parameters(), betas=betas)
    critic_optimizer = torch.optim.Adam(critic.parameters(), betas=betas)
    for (critic_draws, generator_draws), strength, (generator_lr, critic_lr), decay in zip(
        rounds, gamma, lrs, keep, strict=True
    ):
        generator_optimizer.param_groups[0]["lr"] = generator_lr
        critic_optimizer.param_groups[0]["lr"] = critic_lr
        for real, z, real_noise, fake_noise in critic_draws:
            packed_real = packed(real + real_noise, pac).requires_grad_()
            on_real, on_fake = critic(packed_real), critic(packed(generator(z).detach() + fake_noise, pac))
            (gradient,) = torch.autograd.grad(on_real.sum(), packed_real, create_graph=True)
            loss = -on_real.sigmoid().log().mean() - (1 - on_fake.sigmoid()).log().mean()
            critic_optimizer.zero_grad()
            (loss + strength / 2 * (gradient**2).sum(1).mean()).backward()
            critic_optimizer.step()
        for z, noise in generator_draws:
            generator_optimizer.zero_grad()
            (-critic(packed(generator(z) + noise, pac)).sigmoid().log().mean()).backward()
            generator_optimizer.step()
        with torch.no_grad():
            for mean, value in zip(averaged.parameters(), generator.parameters(), strict=True):
                mean.copy_(decay * mean + (1 - decay) * value)
    return averaged


def unrolled_generator_loss(
    generator: nn.Module, critic: nn.Module, real: Tensor, z: Tensor, *, updates: int, lr: float
) -> Tensor:
    """Metz et al. 2017, eq. 7–9: the non-saturating loss against the critic after further gradient descent steps."""
    fake = generator(z)
    weights: dict[str, Tensor] = dict(critic.named_parameters())
    for _ in range(updates):
        on_real, on_fake = (torch.func.functional_call(critic, weights, (x,)) for x in (real, fake))
        loss = -on_real.sigmoid().log().mean() - (1 - on_fake.sigmoid()).log().mean()
        gradients = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
        weights = {name: w - lr * g for (name, w), g in zip(weights.items(), gradients, strict=True)}
    on_unrolled = torch.func.functional_call(critic, weights, (fake,))
    value: Tensor = -on_unrolled.sigmoid().log().mean()
    return value
