"""Networks of other people that turn images into vectors: a module, or an ONNX file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ganbench.core.errors import GanbenchError
from ganbench.data.zips import in_short
from ganbench.evaluation.bare_arrays import checked_vectors
from ganbench.evaluation.samples.generators import FAILED
from ganbench.evaluation.samples.onnx_files import read_onnx

BATCH = 100
"""Number of images that a network is given at once, if it takes any number."""


@dataclass(frozen=True, eq=False)
class Extractor:
    """A network whose features of images are compared.

    Attributes:
        name: class of the module, or name of the file without its suffix.
        sha256: hash of the module's class and state, or of the file: numbers from different hashes can't be compared.
        function: images, float32 [B, C, H, W] in [−1, 1], to features [B, d] or [B, d, 1, 1].
        batch: the only number of images that it takes at once; None if any will do.
    """

    name: str
    sha256: str
    function: Callable[[Tensor], object]
    batch: int | None = None

    def __call__(self, images: Tensor) -> Tensor:
        """Features of images [N, C, H, W] in [−1, 1], float32 [N, d] on the CPU.

        Raises:
            GanbenchError: the network fails, or returns something other than a finite vector for each image.
        """
        size = self.batch or BATCH
        parts = [self._run(part, size if self.batch else len(part)) for part in images.split(size)]
        if len({part.shape[1] for part in parts}) > 1:
            raise GanbenchError(f"features={self.name} returns vectors of different lengths")
        try:
            return checked_vectors(torch.cat(parts), None)
        except GanbenchError as error:
            raise GanbenchError(f"features={self.name}: {error}") from error

    def _run(self, images: Tensor, size: int) -> Tensor:
        filled = torch.cat([images, images[-1:].expand(size - len(images), -1, -1, -1)])
        try:
            with torch.no_grad(), torch.autocast("cpu", enabled=False):
                output = self.function(filled)
        except FAILED as error:
            raise GanbenchError(
                f"features={self.name} fails on images of shape {list(filled.shape)} in [-1, 1] "
                f"({type(error).__name__}: {in_short(error)}): put what it needs before, such as resizing, into it"
            ) from error
        if not isinstance(output, Tensor) or output.ndim < 2 or len(output) != size:
            what = f"a tensor of shape {list(output.shape)}" if isinstance(output, Tensor) else type(output).__name__
            raise GanbenchError(f"features={self.name} returns {what} for {size} images: return a vector for each")
        return output[: len(images)].flatten(1).float().cpu()


def extractor_of(features: object) -> Extractor:
    """The extractor of a module, or of the path of an ONNX file.

    Raises:
        GanbenchError: it is neither, or the file can't be used.
    """
    if isinstance(features, nn.Module):
        return Extractor(type(features).__name__, _hash_of(features), _in_evaluation_mode(features))
    if isinstance(features, str | Path) and str(features).lower().endswith(".onnx"):
        path = Path(features)
        if not path.is_file():
            raise GanbenchError(f"features: there is no file '{path}'")
        # In this process, unlike a generator: whoever measures trusts the instrument.
        network = read_onnx(path, 0, "give features as vectors")
        return Extractor(
            path.stem, network.sha256, lambda images: network.forward(images.to(network.dtype)), network.batch
        )
    given = f"'{features}'" if isinstance(features, str | Path) else type(features).__name__
    raise GanbenchError(f"features must be a torch.nn.Module or the path of an ONNX file, not {given}")


def _hash_of(module: nn.Module) -> str:
    digest = hashlib.sha256(f"{type(module).__module__}.{type(module).__qualname__}".encode())
    for name, value in module.state_dict().items():
        if isinstance(value, Tensor):
            plain = value.detach().cpu().contiguous()
            digest.update(f"{name} {plain.dtype} {list(plain.shape)}".encode())
            digest.update(plain.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _in_evaluation_mode(module: nn.Module) -> Callable[[Tensor], object]:
    """The module as a function on its own device; its modes are as before after each call."""
    numbers = [*module.parameters(), *module.buffers()]
    floats = next((each for each in numbers if each.is_floating_point()), torch.zeros(()))

    def function(images: Tensor) -> object:
        with _evaluating(module):
            return module(images.to(floats.device, floats.dtype))

    return function


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    training = [each for each in module.modules() if each.training]
    module.eval()
    try:
        yield
    finally:
        for each in training:
            each.training = True
