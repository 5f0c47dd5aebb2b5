"""Images of one's own, compared by the features that a network of one's own has of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganbench.core.errors import GanbenchError
from ganbench.evaluation.bare_arrays import as_array, checked_vectors, is_whole
from ganbench.evaluation.extractor import Extractor
from ganbench.evaluation.monitor.image_range import check_range, in_python, read_images
from ganbench.evaluation.monitor.vectors import Vectors

CHANNELS = (1, 3)
BYTES = "0..255"


class ImageFeatures(Vectors):
    """Real images as the vectors of an extractor, to which images are compared.

    Args:
        real: images [N, C, H, W], [N, H, W, C] or [N, H, W].
        pixel_range: range of float images.
        clip: whether to clip pixels outside that range.
    """

    def __init__(
        self,
        real: object,
        extractor: Extractor,
        samples: int | None,
        device: torch.device,
        metrics: Sequence[str] = (),
        labels: object = None,
        *,
        pixel_range: str | None = None,
        clip: bool = False,
    ) -> None:
        check_range(pixel_range)
        self._extractor, self._clip = extractor, clip
        images = as_images(real)
        self._shape = image_shape(images)
        stated = range_of_real(images, pixel_range)
        pixels, _ = in_python(images, self._shape, stated, clip and stated is not None)
        super().__init__(extractor(pixels), samples, device, metrics, labels)
        self.identity = {"network": extractor.sha256, **self.identity}
        self.reading = {} if pixel_range is None else {"pixel_range": pixel_range}

    def read(self, fake: object) -> Tensor:
        """The features of the first images of a random order, the same each time."""
        images = read_images(fake, self._shape, self.reading, self._clip, self.samples)
        return checked_vectors(self._extractor(self.drawn(images)), self.width)


def range_of_real(images: Tensor | NDArray[Any], pixel_range: str | None) -> str | None:
    """The stated range of images, as far as it is about real ones: that of floats says nothing about bytes."""
    return None if is_whole(images) and pixel_range != BYTES else pixel_range


def as_images(images: object) -> Tensor | NDArray[Any]:
    """Images of any framework as an array of NumPy, or a tensor.

    Raises:
        GanbenchError: these are no images, or could be so in two ways.
    """
    array = as_array(images)
    if not isinstance(array, Tensor | np.ndarray):
        raise GanbenchError(f"images must be an array or a tensor, not {type(array).__name__}")
    image_shape(array)
    return array


def image_shape(images: Tensor | NDArray[Any]) -> tuple[int, int, int]:
    """The shape [C, H, W] of one of these images.

    Raises:
        GanbenchError: these are no images, or could be so in two ways.
    """
    sizes = tuple(images.shape[1:])
    if len(sizes) == 2:
        return 1, sizes[0], sizes[1]
    first = len(sizes) == 3 and sizes[0] in CHANNELS
    last = len(sizes) == 3 and sizes[2] in CHANNELS
    if first == last:
        raise GanbenchError(f"images must have shape [N, C, H, W] with one or three channels, not {list(images.shape)}")
    return (sizes[0], sizes[1], sizes[2]) if first else (sizes[2], sizes[0], sizes[1])
