"""Textbook GAN loop, as in tutorials: a DataLoader over PIL images, BCE on a sigmoid, unfused Adam, all gradients.

Same networks, batch, learning rate and mathematics as ours (the generator's update gets its own latents, as in
algorithm 1 of Goodfellow et al. 2014). The loader runs in the main process: the default, and on two cores faster than
worker processes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import transforms

from ganbench.spec.run_spec import RunSpec


class Pictures(torch.utils.data.Dataset[Tensor]):
    """Images [N, 28, 28], loaded through PIL."""

    def __init__(self, images: NDArray[Any]) -> None:
        self.images = images
        self.transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        picture: Tensor = self.transform(Image.fromarray(self.images[index]))
        return picture


class Points(torch.utils.data.Dataset[Tensor]):
    """Points [N, 2], loaded one by one."""

    def __init__(self, points: Tensor) -> None:
        self.points = points

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, index: int) -> Tensor:
        return self.points[index]


def textbook_steps(spec: RunSpec, samples: Pictures | Points, device: torch.device) -> Iterator[None]:
    """Training steps of the non-saturating GAN, an endless iterator."""
    train, shape = spec.train, spec.dataset.shape
    loader = DataLoader(samples, batch_size=train.batch_size, shuffle=True, drop_last=True)
    generator = spec.generator(shape).to(device)
    critic = nn.Sequential(spec.critic(shape), nn.Sigmoid()).to(device)
    criterion = nn.BCELoss()
    generator_optimizer = torch.optim.Adam(generator.parameters(), lr=train.generator_lr, betas=(0.5, 0.999))
    critic_optimizer = torch.optim.Adam(critic.parameters(), lr=train.critic_lr, betas=(0.5, 0.999))
    while True:
        for batch in loader:
            real = batch.to(device)
            ones, zeros = torch.ones(len(real), device=device), torch.zeros(len(real), device=device)

            critic_optimizer.zero_grad()
            fake = generator(torch.randn(len(real), spec.arch.latent_dim, device=device)).detach()
            critic_loss = criterion(critic(real), ones) + criterion(critic(fake), zeros)
            critic_loss.backward()
            critic_optimizer.step()

            generator_optimizer.zero_grad()
            fake = generator(torch.randn(len(real), spec.arch.latent_dim, device=device))
            generator_loss = criterion(critic(fake), ones)
            generator_loss.backward()
            generator_optimizer.step()
            yield
