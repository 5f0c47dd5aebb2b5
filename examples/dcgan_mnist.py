"""A plain DCGAN on MNIST, in the manner of the well-known tutorials; the five lines marked `# +` watch it.

python examples/dcgan_mnist.py                         # one update of each network in turn
python examples/dcgan_mnist.py --g-updates 5           # five updates of the generator for each of the discriminator
python examples/dcgan_mnist.py --repeat-after 5000     # a planted collapse, which is sure to come
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

import ganbench  # +

parser = argparse.ArgumentParser()
parser.add_argument("--data", default="data", help="folder of MNIST; it is downloaded if it isn't there")
parser.add_argument("--steps", type=int, default=10_000, help="updates of the discriminator")
parser.add_argument("--every", type=int, default=500, help="steps between two looks at the samples")
parser.add_argument("--g-updates", type=int, default=1, help="updates of the generator for each of the discriminator")
parser.add_argument("--repeat-after", type=int, help="plant a collapse: from then on only 50 latents")
parser.add_argument("--batch-size", type=int, default=64)
parser.add_argument("--latent-dim", type=int, default=100)
parser.add_argument("--width", type=int, default=64, help="channels of the widest layers")
parser.add_argument("--lr", type=float, default=2e-4)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--out", default="dcgan-mnist", help="folder of numbers, events and figure")
opt = parser.parse_args()
torch.manual_seed(opt.seed)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def up(inputs: int, outputs: int) -> list[nn.Module]:
    return [
        nn.Upsample(scale_factor=2),
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(0.2),
    ]


def down(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.LeakyReLU(0.2), nn.Dropout2d(0.25)]


generator = nn.Sequential(
    nn.Linear(opt.latent_dim, opt.width * 7 * 7),
    nn.Unflatten(1, (opt.width, 7, 7)),
    nn.BatchNorm2d(opt.width),
    *up(opt.width, opt.width),
    *up(opt.width, opt.width // 2),
    nn.Conv2d(opt.width // 2, 1, 3, padding=1),
    nn.Tanh(),
).to(device)
discriminator = nn.Sequential(
    *down(1, opt.width // 4),
    *down(opt.width // 4, opt.width // 2),
    *down(opt.width // 2, opt.width),
    nn.Flatten(),
    nn.Linear(opt.width * 4 * 4, 1),
    nn.Sigmoid(),
).to(device)
loss = nn.BCELoss()
g_optimizer = torch.optim.Adam(generator.parameters(), lr=opt.lr, betas=(0.5, 0.999))
d_optimizer = torch.optim.Adam(discriminator.parameters(), lr=opt.lr, betas=(0.5, 0.999))

images = datasets.MNIST(
    opt.data, download=True, transform=transforms.Compose([transforms.ToTensor(), transforms.Normalize(0.5, 0.5)])
)
loader = DataLoader(images, batch_size=opt.batch_size, shuffle=True, drop_last=True)


def batches() -> Iterator[Tensor]:
    while True:
        for batch, _ in loader:
            yield batch.to(device)


def generate(count: int) -> Tensor:
    latents = torch.randn(count, opt.latent_dim, device=device)
    if opt.repeat_after is not None and step > opt.repeat_after:
        latents = few[torch.arange(count) % len(few)]
    fake: Tensor = generator(latents)
    return fake


few = torch.randn(50, opt.latent_dim, device=device)
ones, zeros = torch.ones(opt.batch_size, 1, device=device), torch.zeros(opt.batch_size, 1, device=device)
watch = ganbench.Monitor(dataset="mnist", steps=opt.steps, pixel_range="-1..1")  # +
for step, real in zip(range(1, opt.steps + 1), batches(), strict=False):
    for _ in range(opt.g_updates):
        g_optimizer.zero_grad()
        loss(discriminator(generate(opt.batch_size)), ones).backward()
        g_optimizer.step()

    d_optimizer.zero_grad()
    d_real, d_fake = discriminator(real), discriminator(generate(opt.batch_size).detach())
    (loss(d_real, ones) + loss(d_fake, zeros)).div(2).backward()
    d_optimizer.step()

    if step % opt.every == 0:
        with torch.no_grad():
            fake = torch.cat([generate(250) for _ in range(8)])
        numbers = watch(step, fake, d_real=d_real, d_fake=d_fake)  # +
        shown = ("modes_strict", "fid", "near_duplicates", "collapsed")
        print(step, {name: round(numbers[name], 3) for name in shown if name in numbers})  # none after a divergence
        if watch.collapsed or watch.diverged:  # +
            break

print(watch.summary())  # +
watch.save(opt.out)
