"""Images of a training loop, in the form in which networks have them."""

from __future__ import annotations

from torch import Tensor

from ganbench.core.errors import GanbenchError, advice_for_python
from ganbench.core.registry import near_miss
from ganbench.evaluation.bare_arrays import is_whole
from ganbench.evaluation.monitor.base import check_enough
from ganbench.evaluation.samples.check import checked
from ganbench.evaluation.samples.ranges import RANGES


def check_range(pixel_range: str | None) -> None:
    """Raise GanbenchError unless it is a range, or none."""
    if pixel_range is not None and pixel_range not in RANGES:
        raise GanbenchError(f"unknown pixel_range '{pixel_range}': {near_miss(pixel_range, RANGES)}")


def read_images(images: object, shape: tuple[int, ...], reading: dict[str, str], clip: bool, least: int) -> Tensor:
    """Images, or points, as float32 [N, *shape], images in [−1, 1]; their range is found once, and must stay as it is.

    Args:
        reading: what the first images showed of their form; it is added here.
        clip: whether to clip pixels outside the range.
        least: the fewest images that will do.

    Raises:
        GanbenchError: wrong type, shape or range, too few of them, or another kind of numbers than before.
    """
    numbers = "whole" if is_whole(images) else "floating-point"
    before = reading.get("numbers", numbers)
    if numbers != before:  # in the range of the first images they would mean something else
        raise GanbenchError(f"these images have {numbers} numbers, and earlier ones had {before} ones")
    samples, found = in_python(images, shape, reading.get("pixel_range"), clip)
    check_enough(len(samples), least)
    if found:
        reading["numbers"] = numbers
        # Bright images of a range from −1 to 1 could look as if their range began at 0.
        reading.setdefault("pixel_range", "0..255" if found == "bytes" else found.removeprefix("range "))
    return samples


def in_python(images: object, shape: tuple[int, ...], pixel_range: str | None, clip: bool) -> tuple[Tensor, str]:
    """Do as `checked` does, with advice in the words of the Python functions.

    Raises:
        GanbenchError: wrong type, shape or range.
    """
    with advice_for_python():
        return checked(images, shape, pixel_range, clip)
