"""Running a generator that somebody else made: latents in, samples out, and every failure in one line."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ganbench.core.errors import GanbenchError
from ganbench.core.seeding import draw, stream
from ganbench.evaluation.samples.zips import LIMIT, in_short
from ganbench.methods.archs import Arch

BLOCK = 500
"""Latents are drawn in blocks of so many, as in training: sample i is the same however many are asked for."""

NOISE = -1
"""Number of the block that noise of a network's own comes from, which isn't a block of latents."""

CPU = torch.device("cpu")

FAILED = (
    RuntimeError,  # nearly everything that PyTorch raises, a full memory included
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    MemoryError,
)
"""What a network of unknown origin raises when it is loaded or called."""


@dataclass(frozen=True)
class GeneratorSource:
    """How to draw samples from a generator.

    Attributes:
        count: how many.
        latent_shape: of one latent, for instance (100,) or (100, 1, 1); None where the file or `arch` knows it.
        latent: "normal" is N(0, I), "uniform" is U(−1, 1) in each coordinate.
        seed: of the latents. With a run's weights, its seed and its device, the samples are the run's own.
        arch: whose weights a `.safetensors` file holds; nothing else needs it.
        device: where it is run.
    """

    count: int
    latent_shape: tuple[int, ...] | None = None
    latent: Literal["normal", "uniform"] = "normal"
    seed: int = 0
    arch: Arch | None = None
    device: torch.device = CPU


@dataclass(frozen=True)
class Network:
    """A generator, ready to run.

    Attributes:
        forward: latents [B, *latent_shape] to samples.
        what: what it is in words, to stand behind a file's name.
        latent_shape: of one latent, where known.
        batch: the only batch size that it takes; None where any will do.
        pixel_range: of its images, where known.
    """

    forward: Callable[[Tensor], object]
    what: str
    latent_shape: tuple[int, ...] | None = None
    batch: int | None = None
    pixel_range: str | None = None


@torch.no_grad()
def generate(network: Network, shape: tuple[int, ...], source: GeneratorSource, path: str) -> npt.NDArray[Any]:
    """`source.count` samples [N, …] as the network makes them.

    Raises:
        GanbenchError: the network fails, or does not fit the latents.
    """
    latent_shape = _latent_shape(network, source, path)
    if source.count < 1:
        raise GanbenchError(f"{source.count} samples were asked for: ask for at least one")
    if source.count * math.prod(shape) * 4 > LIMIT:
        raise GanbenchError(f"{source.count:,} samples take more than {LIMIT >> 30} GiB as float32: ask for fewer")
    blocks: list[npt.NDArray[Any]] = []
    with _own_random_numbers(source), _blame(path):
        for block in range(-(-source.count // BLOCK)):
            latents = _latents(source, latent_shape, block)
            made = np.concatenate([_run(network, part, path) for part in _parts(latents, network.batch)])[:BLOCK]
            if made[0].size != math.prod(shape):  # said before all the others are made
                raise GanbenchError(f"'{path}' makes samples of shape {list(made.shape[1:])}, not {list(shape)}")
            blocks.append(made)
    return np.concatenate(blocks)[: source.count]


def one_line(path: str, error: BaseException) -> GanbenchError:
    """A network's failure as news for the person who gave it."""
    return GanbenchError(f"the generator '{path}' fails ({type(error).__name__}: {in_short(error)}): try it by itself")


@contextmanager
def _blame(path: str) -> Iterator[None]:
    try:
        yield
    except FAILED as error:
        raise one_line(path, error) from error


@contextmanager
def _own_random_numbers(source: GeneratorSource) -> Iterator[None]:
    """Noise that a network draws by itself follows from the seed, and disturbs nobody else's."""
    cuda = [source.device] if source.device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.manual_seed(stream(source.seed, "evaluation", NOISE).initial_seed())
        yield


def _latent_shape(network: Network, source: GeneratorSource, path: str) -> tuple[int, ...]:
    known, stated = network.latent_shape, source.latent_shape
    if known is None and stated is None:
        raise GanbenchError(f"'{path}' doesn't say what latents it takes: state their size")
    if known is not None and stated is not None and known != stated:
        raise GanbenchError(f"'{path}' takes latents of size {list(known)}, not {list(stated)}")
    shape = stated or known or ()
    if not shape or min(shape) < 1 or math.prod(shape) * BLOCK * 4 > LIMIT:
        raise GanbenchError(f"latents can't have the size {list(shape)}: state one like 100")
    return shape


def _latents(source: GeneratorSource, shape: tuple[int, ...], block: int) -> Tensor:
    return draw(source.latent, (BLOCK, *shape), stream(source.seed, "evaluation", block, source.device))


def _parts(latents: Tensor, batch: int | None) -> Iterator[Tensor]:
    """A block in batches of the one size that the network takes; the last is filled up with the first latents again."""
    if batch is None:
        yield latents
        return
    missing = -len(latents) % batch
    filled = torch.cat([latents, *[latents] * (missing // len(latents)), latents[: missing % len(latents)]])
    yield from filled.split(batch)


def _run(network: Network, latents: Tensor, path: str) -> npt.NDArray[Any]:
    made = network.forward(latents)
    if not isinstance(made, Tensor) or made.ndim == 0 or len(made) != len(latents):
        found = f"a tensor of shape {list(made.shape)}" if isinstance(made, Tensor) else type(made).__name__
        raise GanbenchError(f"'{path}' makes {found} from {len(latents)} latents, and should make a sample of each")
    made = made.cpu()
    return (made.float() if made.dtype in (torch.bfloat16, torch.float16) else made).numpy()
