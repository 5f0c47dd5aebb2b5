"""Weights of our architectures, from a run's artifacts or from a saved state dict."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ganbench.core.errors import GanbenchError
from ganbench.data.zips import in_short
from ganbench.evaluation.samples.generators import FAILED, GeneratorSource, Network, one_line
from ganbench.methods.archs import Arch

PREFIXES = ("averaged/", "generator/")
"""Name prefixes in a run's state: the averaged generator, if there is one, is the one that was scored."""
MOMENTS = ("/exp_avg", "/exp_avg_sq", "/square_avg", "/momentum_buffer")


def read_weights(path: Path, shape: tuple[int, ...], source: GeneratorSource) -> Network:
    """The generator of `source.arch` with the weights of a `.safetensors` file, in eval mode.

    Raises:
        GanbenchError: no architecture is given, the file is broken, or its tensors belong to another network.
    """
    if source.arch is None:
        raise GanbenchError(f"'{path}' contains only weights, not a network: say which architecture they belong to")
    network = load_generator(path, shape, source.arch).to(source.device)
    return Network(network, f" ({source.arch.name})", (source.arch.latent_dim,), pixel_range="-1..1")


def load_generator(path: Path, shape: tuple[int, ...], arch: Arch) -> nn.Module:
    """The generator of an architecture with the weights of a `.safetensors` file, in eval mode, on the CPU.

    Raises:
        GanbenchError: the file is broken, or its tensors belong to another network.
    """
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in _names(list(file.keys()))}
    except (SafetensorError, OSError, ValueError, MemoryError) as error:
        raise GanbenchError(
            f"'{path}' is not a .safetensors file, or is truncated or altered ({in_short(error)})"
        ) from error
    try:
        with torch.random.fork_rng(devices=[]):  # initial weights, which are discarded
            network = arch.generator(shape)
    except FAILED as error:
        raise one_line(f"'{arch.name}'", error) from error
    for prefix in PREFIXES:
        tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    _check(path, arch.name, network, tensors)
    network.load_state_dict(tensors)
    return network.eval().requires_grad_(False)


def _names(names: list[str]) -> list[str]:
    """The names of the generator's tensors, without optimiser state, in a run's state; of any other file, all names."""
    for prefix in PREFIXES:
        ours = [name for name in names if name.startswith(prefix) and not name.endswith(MOMENTS)]
        if ours:
            return ours
    return names


def _check(path: Path, arch: str, network: nn.Module, tensors: dict[str, Tensor]) -> None:
    wanted = network.state_dict()
    for name in sorted(wanted.keys() | tensors.keys()):
        have, want = tensors.get(name), wanted.get(name)
        if have is None or want is None:
            which = "lacks" if have is None else "has"
            raise GanbenchError(f"'{path}' {which} '{name}', so it is not a generator of '{arch}' with these options")
        if have.shape != want.shape or have.is_floating_point() != want.is_floating_point():
            raise GanbenchError(
                f"'{name}' of '{path}' is {list(have.shape)}, not {list(want.shape)}, so it is not a generator of "
                f"'{arch}' with these options"
            )
