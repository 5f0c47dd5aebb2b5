"""Running of third-party generators: latents in, samples out, and every failure as a one-line error."""

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
from ganbench.core.seeding import Purpose, draw, stream
from ganbench.data.zips import LIMIT, in_short
from ganbench.evaluation.samples.layout import size_hint
from ganbench.methods.archs import Arch

LATENT_BLOCK = 500
"""Size of the blocks in which latents are drawn, as in training: sample i is the same however many are requested."""

NOISE = -1
"""Block number of the stream for a network's own noise; no block of latents has it."""

CPU = torch.device("cpu")

FAILED = (
    RuntimeError,  # nearly everything that PyTorch raises, including out of memory
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    MemoryError,
)
"""Exceptions that loading or calling a network of unknown origin can raise."""


@dataclass(frozen=True)
class GeneratorSource:
    """Settings for drawing samples from a generator.

    Attributes:
        count: number of samples.
        latent_shape: shape of one latent, for instance (100,) or (100, 1, 1); None if the file or `arch` determines it.
        latent: "normal" is N(0, I), "uniform" is U(−1, 1) in each coordinate.
        seed: of the latents. With a run's weights, seed and device, the samples are the run's own.
        purpose: that of the latents' stream. For "samples" they are others than those that runs are scored by.
        arch: the architecture of the weights in a `.safetensors` file; not needed otherwise.
        device: the device to run it on.
    """

    count: int
    latent_shape: tuple[int, ...] | None = None
    latent: Literal["normal", "uniform"] = "normal"
    seed: int = 0
    purpose: Purpose = "evaluation"
    arch: Arch | None = None
    device: torch.device = CPU


def noise_seed(source: GeneratorSource) -> int:
    """The seed of the random numbers that a network draws by itself."""
    return stream(source.seed, source.purpose, NOISE).initial_seed()


@dataclass(frozen=True)
class Network:
    """A generator, ready to run.

    Attributes:
        forward: latents [B, *latent_shape] to samples.
        what: a short description, appended to the file's name.
        latent_shape: shape of one latent, if known.
        batch: the only batch size that it accepts; None if any will do.
        pixel_range: range of its images, if known.
        dtype: type of the latents that it takes.
        sha256: hash of an ONNX file and of the weights beside it; otherwise empty.
    """

    forward: Callable[[Tensor], object]
    what: str
    latent_shape: tuple[int, ...] | None = None
    batch: int | None = None
    pixel_range: str | None = None
    dtype: torch.dtype = torch.float32
    sha256: str = ""


@torch.no_grad()
def generate(network: Network, shape: tuple[int, ...], source: GeneratorSource, path: str) -> npt.NDArray[Any]:
    """Generate `source.count` samples [N, …], in the network's own output format.

    Raises:
        GanbenchError: the network fails, or does not fit the latents.
    """
    latent_shape = _latent_shape(network, source, path)
    if source.count < 1:
        raise GanbenchError(f"{source.count} samples were requested: request at least one")
    if source.count * math.prod(shape) * 4 > LIMIT:
        raise GanbenchError(f"{source.count:,} samples take more than {LIMIT >> 30} GiB as float32: request fewer")
    blocks: list[npt.NDArray[Any]] = []
    with _own_random_numbers(source), _network_errors(path, network, latent_shape):
        for block in range(-(-source.count // LATENT_BLOCK)):
            latents = _latents(source, latent_shape, block).to(network.dtype)
            samples = np.concatenate([_run(network, part, path) for part in _parts(latents, network.batch)])[
                :LATENT_BLOCK
            ]
            if samples[0].size != math.prod(shape):  # raised before all the others are made
                raise GanbenchError(
                    f"'{path}' makes samples of shape {list(samples.shape[1:])}, not {list(shape)}"
                    + size_hint(samples.shape[1:], shape)
                )
            blocks.append(samples)
    return np.concatenate(blocks)[: source.count]


def one_line(what: str, error: BaseException) -> GanbenchError:
    """A network's failure as a one-line error for the user."""
    return GanbenchError(
        f"the generator {what} fails ({type(error).__name__}: {in_short(error)}): try running it on its own, "
        f"or save samples as .npz and score those"
    )


@contextmanager
def _network_errors(path: str, network: Network, latent_shape: tuple[int, ...]) -> Iterator[None]:
    try:
        yield
    except FAILED as error:
        shape = [network.batch or LATENT_BLOCK, *latent_shape]
        kind = str(network.dtype).removeprefix("torch.")
        raise one_line(f"'{path}', given one {kind} tensor {shape} of latents,", error) from error


@contextmanager
def _own_random_numbers(source: GeneratorSource) -> Iterator[None]:
    """Seed the noise that a network draws by itself, without affecting other random numbers."""
    cuda = [source.device] if source.device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.manual_seed(noise_seed(source))
        yield


def _latent_shape(network: Network, source: GeneratorSource, path: str) -> tuple[int, ...]:
    known, stated = network.latent_shape, source.latent_shape
    if known is None and stated is None:
        raise GanbenchError(f"'{path}' doesn't say what latents it takes: give their size")
    if known is not None and stated is not None and known != stated:
        raise GanbenchError(f"'{path}' takes latents of size {list(known)}, not {list(stated)}")
    shape = stated or known or ()
    if not shape or min(shape) < 1 or math.prod(shape) * LATENT_BLOCK * 4 > LIMIT:
        raise GanbenchError(f"latents can't have the size {list(shape)}: give one like 100")
    return shape


def _latents(source: GeneratorSource, shape: tuple[int, ...], block: int) -> Tensor:
    return draw(source.latent, (LATENT_BLOCK, *shape), stream(source.seed, source.purpose, block, source.device))


def _parts(latents: Tensor, batch: int | None) -> Iterator[Tensor]:
    """Split a block into batches of the size that the network accepts; the last is padded with the first latents."""
    if batch is None:
        yield latents
        return
    missing = -len(latents) % batch
    filled = torch.cat([latents, *[latents] * (missing // len(latents)), latents[: missing % len(latents)]])
    yield from filled.split(batch)


def _run(network: Network, latents: Tensor, path: str) -> npt.NDArray[Any]:
    output = network.forward(latents)
    if not isinstance(output, Tensor) or output.ndim == 0 or len(output) != len(latents):
        description = f"a tensor of shape {list(output.shape)}" if isinstance(output, Tensor) else type(output).__name__
        raise GanbenchError(
            f"'{path}' returns {description} for {len(latents)} latents, but should return one sample for each"
        )
    output = output.cpu()
    return (output.float() if output.dtype in (torch.bfloat16, torch.float16) else output).numpy()
