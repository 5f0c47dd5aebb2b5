"""Reading of samples: the reader is chosen by a path's name, and what it returns is brought into one form."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from ganbench.core.errors import GanbenchError
from ganbench.data.zips import read_members
from ganbench.evaluation.samples.arrays import Array, read_npy, read_npz
from ganbench.evaluation.samples.check import checked
from ganbench.evaluation.samples.confined import run_confined
from ganbench.evaluation.samples.exported import Program, read_exported
from ganbench.evaluation.samples.generators import CPU, GeneratorSource, Network, generate, noise_seed
from ganbench.evaluation.samples.layout import times
from ganbench.evaluation.samples.onnx_files import read_onnx
from ganbench.evaluation.samples.pictures import read_pictures
from ganbench.evaluation.samples.torchscript import read_torchscript
from ganbench.evaluation.samples.weights import read_weights

TORCH_SUFFIXES = (".pt", ".pth", ".pts", ".ts", ".torchscript", ".pt2")
GENERATORS = (".safetensors", ".onnx", *TORCH_SUFFIXES)


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples in the form that evaluators expect.

    Attributes:
        tensor: float32 [N, *shape] on the CPU, images in [−1, 1], points unscaled.
        source: a description of their origin, for instance "fakes.npz ('samples'), 50,000 × 1×28×28, bytes".
    """

    tensor: Tensor
    source: str


def read_samples(
    path: Path,
    shape: tuple[int, ...],
    *,
    pixel_range: str | None = None,
    clip: bool = False,
    generator: GeneratorSource | None = None,
    most: int | None = None,
) -> Samples:
    """Read samples from a `.npy` or `.npz` file or a folder of pictures, or draw them from a generator.

    Args:
        path: the file or folder. Its name determines its kind; its content is checked. A generator is a `.safetensors`
            file with the weights of one of our architectures, ONNX, TorchScript, or a file written by
            `torch.export.save`.
        shape: the shape of one sample: [C, H, W] for images, [d] for points.
        pixel_range: one of `RANGES`; required if the values are ambiguous.
        clip: whether to clip pixels outside the stated range; `source` says how many.
        generator: how to run a generator; required for one, and refused for anything else.
        most: read only the first samples, at most this many.

    Raises:
        GanbenchError: it can't be read, has other samples, or is ambiguous.
    """
    kind = _kind(path)
    if generator and most is not None:
        generator = dataclasses.replace(generator, count=min(generator.count, most))
    if kind in GENERATORS:
        if generator is None:
            raise GanbenchError(f"'{path}' is a generator: say how many samples to draw, and from which latents")
        values, what, own_range = _run(path, shape, generator)
        pixel_range = pixel_range or (own_range if len(shape) > 1 else None)  # points have no range
    else:
        if generator is not None:
            raise GanbenchError(
                f"'{path}' is not a generator, so it takes no latents: leave out the options that describe them"
            )
        if kind == "folder":
            values, what = read_pictures(path, shape, most)
        else:
            values, what = (read_npz if kind == ".npz" else read_npy)(path)
            values = values[:most] if values.ndim else values
    try:
        tensor, range_in_words = checked(values, shape, pixel_range, clip)
    except GanbenchError as error:
        raise GanbenchError(f"'{path}': {error}") from error
    size = f"{len(tensor):,} × {times(shape)}"
    return Samples(tensor, ", ".join(filter(None, (f"{path.name}{what}", size, range_in_words))))


def read_array(path: Path) -> Array:
    """The array of a `.npy` or `.npz` file, of any shape.

    Raises:
        GanbenchError: it is no such file, or can't be read.
    """
    kind = _kind(path)
    if kind not in (".npy", ".npz"):
        raise GanbenchError(f"'{path}' is not a .npy or .npz file, as which vectors and labels are given")
    return (read_npz if kind == ".npz" else read_npy)(path)[0]


def _run(path: Path, shape: tuple[int, ...], source: GeneratorSource) -> tuple[Array, str, str | None]:
    """Samples of a generator, the kind of its file in words, and the range of its images, if known."""
    if path.suffix.lower() == ".onnx":
        # ONNX Runtime's own build is for CPUs, and so are the limits of the process.
        return run_confined(path, shape, dataclasses.replace(source, device=CPU)), " (ONNX)", None
    network = read_network(path, shape, source)
    if isinstance(network.forward, Program):  # a stranger's, of which an operator may crash
        return run_confined(path, shape, source), network.what, None
    return generate(network, shape, source, str(path)), network.what, network.pixel_range


def _kind(path: Path) -> str:
    """The kind of a path by its name: "folder" or a suffix that we read."""
    try:
        if path.is_dir():
            return "folder"
        if not path.is_file():
            raise GanbenchError(_why_no_file(path))
    except OSError as error:
        raise GanbenchError(f"'{path}' can't be read: {error.strerror or error}") from error
    suffix = path.suffix.lower()
    if suffix in (".npy", ".npz", *GENERATORS):
        return suffix
    raise GanbenchError(
        f"'{path}' is not a kind of file ganbench reads: give a .npy or .npz file, a folder of pictures, or a "
        f"generator ({', '.join(GENERATORS)})"
    )


def _why_no_file(path: Path) -> str:
    if path.is_symlink():
        return f"'{path}' is a broken link: repair it, or give the file itself"
    if path.exists():
        return f"'{path}' is neither a file nor a folder: give one of them"
    return f"there is no file or folder '{path}'"


def read_network(path: Path, shape: tuple[int, ...], source: GeneratorSource) -> Network:
    """Read a generator without running it.

    Raises:
        GanbenchError: it can't be read, or is no generator that can be run here.
    """
    if path.suffix.lower() == ".safetensors":
        return read_weights(path, shape, source)
    if path.suffix.lower() == ".onnx":
        return read_onnx(path, noise_seed(source))
    members = read_members(
        path,
        "is neither TorchScript nor a torch.export program; a plain torch.save is a pickle, which is "
        "never loaded: write the generator with torch.export.save",
    )
    # The content decides: both kinds are often called .pt.
    if "archive_format" in members:
        return read_exported(path, members, source.device)
    return read_torchscript(path, members, source.device)
