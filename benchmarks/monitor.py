"""Cost of `ganbench.Monitor` in a tutorial's DCGAN loop."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

import torch
from torch import Tensor, nn

import ganbench
from benchmarks.measure import Row, Setting, in_turn, ratios, wait_for

WIDTH, LATENT, BATCH, SAMPLES = 128, 100, 64, 2_000
"""Channels of the widest layers, latents and batch of the DCGAN in the collection PyTorch-GAN."""
EVERY = 500
"""Training steps for each time that samples are measured."""
STEPS = 10
"""Training steps in a turn."""


def monitor(setting: Setting) -> Iterator[Row]:
    """Time of measuring 2,000 MNIST samples, and of making them, beside that of 500 training steps of the DCGAN."""
    device = setting.device
    generator, discriminator = (network.to(device) for network in _networks())
    watch = ganbench.Monitor(dataset="mnist", pixel_range="-1..1", device="cuda" if device.type == "cuda" else "cpu")
    g_optimizer, d_optimizer = (torch.optim.Adam(network.parameters(), 2e-4) for network in (generator, discriminator))
    real = torch.rand(BATCH, 1, 28, 28, device=device)
    made = list[Tensor]()

    def generate(count: int) -> Tensor:
        fake: Tensor = generator(torch.randn(count, LATENT, device=device))
        return fake

    def train() -> float:
        wait_for(device)
        start = time.perf_counter()
        for _ in range(setting.steps(STEPS)):
            g_optimizer.zero_grad()
            _loss(discriminator(generate(BATCH)), 1.0).backward()
            g_optimizer.step()
            d_optimizer.zero_grad()
            (_loss(discriminator(real), 1.0) + _loss(discriminator(generate(BATCH).detach()), 0.0)).backward()
            d_optimizer.step()
        wait_for(device)
        return (time.perf_counter() - start) / setting.steps(STEPS)

    def make() -> float:
        wait_for(device)
        start = time.perf_counter()
        with torch.no_grad():
            made.append(torch.cat([generate(250) for _ in range(SAMPLES // 250)]))
        wait_for(device)
        return time.perf_counter() - start

    def look() -> float:
        start = time.perf_counter()
        watch(len(made), made[-1])
        return time.perf_counter() - start

    train(), make()
    first = look()  # sets everything up
    times = in_turn({"train": train, "make": make, "look": look}, setting.rounds)
    detail = f"once in {EVERY} steps of {median(times['train']):.3f} s"
    looking = ratios(times["look"], times["train"])
    making = ratios(times["make"], times["train"])
    yield Row(
        "ganbench.Monitor in a tutorial's DCGAN loop, MNIST",
        "≤",
        2.0,
        [100 * share / EVERY for share in looking],
        "%",
        f"{median(times['look']):.1f} s to measure {SAMPLES:,} samples, {detail}; the first time {first:.0f} s",
    )
    yield Row(
        "making the samples for it",
        "",
        None,
        [100 * share / EVERY for share in making],
        "%",
        f"{median(times['make']):.1f} s, {detail}",
    )


def _loss(outputs: Tensor, target: float) -> Tensor:
    return nn.functional.binary_cross_entropy_with_logits(outputs, torch.full_like(outputs, target))


def _networks() -> tuple[nn.Module, nn.Module]:
    def up(inputs: int, outputs: int) -> list[nn.Module]:
        return [
            nn.Upsample(scale_factor=2),
            nn.Conv2d(inputs, outputs, 3, padding=1),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        ]

    def down(inputs: int, outputs: int) -> list[nn.Module]:
        return [nn.Conv2d(inputs, outputs, 3, 2, 1), nn.LeakyReLU(0.2), nn.Dropout2d(0.25), nn.BatchNorm2d(outputs)]

    first = [nn.Linear(LATENT, WIDTH * 49), nn.Unflatten(1, (WIDTH, 7, 7)), nn.BatchNorm2d(WIDTH)]
    last = [nn.Conv2d(WIDTH // 2, 1, 3, padding=1), nn.Tanh()]
    generator = nn.Sequential(*first, *up(WIDTH, WIDTH), *up(WIDTH, WIDTH // 2), *last)
    discriminator = nn.Sequential(
        *down(1, 16), *down(16, 32), *down(32, 64), *down(64, 128), nn.Flatten(), nn.Linear(128 * 4, 1)
    )
    return generator, discriminator
