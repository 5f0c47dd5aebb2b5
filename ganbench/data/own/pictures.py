"""Picture files of any size and kind as pixels of one size, read so that a broken or hostile one is an error."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from ganbench.core.errors import GanbenchError
from ganbench.core.picture_formats import FORMATS
from ganbench.data.unreadable import UNREADABLE
from ganbench.data.zips import in_short

MODES = {
    **dict.fromkeys(("1", "L", "RGB"), ""),
    **dict.fromkeys(("LA", "PA", "RGBA"), "transparency laid on white"),
    "P": "palette resolved",
    **dict.fromkeys(("I;16", "I;16B", "I;16L"), "16 bits reduced to 8"),
    "I": "16 bits reduced to 8",
    "CMYK": "CMYK converted to RGB, without a colour profile",
}
"""Pillow's modes that are read, and what is done to them."""

Colour = Literal["grey", "rgb"]


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded picture.

    Attributes:
        image: in Pillow's mode L or RGB, upright.
        note: what was done to get it there; empty if nothing.
    """

    image: Image.Image
    note: str

    @property
    def coloured(self) -> bool:
        """True if its channels differ anywhere."""
        if self.image.mode == "L":
            return False
        pixels = np.asarray(self.image)
        return bool((pixels != pixels[..., :1]).any())

    def pixels(self, side: int, colour: Colour) -> npt.NDArray[np.uint8]:
        """Scale the shorter side to `side` (Lanczos), crop the longer one at its centre: uint8 [C, side, side]."""
        image = self.image.convert("L" if colour == "grey" else "RGB")
        if image.size != (side, side):
            image = ImageOps.fit(image, (side, side), Image.Resampling.LANCZOS)
        return np.moveaxis(np.asarray(image).reshape(side, side, -1), -1, 0)


def read_picture(path: Path) -> Picture:
    """Read a PNG, JPEG or WebP file.

    Raises:
        GanbenchError: it is another kind of file, broken, too large, or in an unusual mode.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=(FORMATS[path.suffix.lower()],)) as image:
                if image.mode not in MODES:
                    raise GanbenchError(f"'{path}' has mode {image.mode}: save it as grey or RGB, 8 bits per channel")
                image.load()
                return Picture(_plain(ImageOps.exif_transpose(image)), MODES[image.mode])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise GanbenchError(f"'{path}' has more than {Image.MAX_IMAGE_PIXELS:,} pixels: make it smaller") from error
    except UNREADABLE as error:
        raise GanbenchError(
            f"'{path}' is not a {FORMATS[path.suffix.lower()]} file, or is truncated or altered ({in_short(error)}): "
            f"create it again, or remove it"
        ) from error


def _plain(image: Image.Image) -> Image.Image:
    """Convert any of the `MODES` to L or RGB."""
    if image.mode.startswith("I"):  # Pillow's own conversion would clip at 255
        return Image.fromarray((np.asarray(image).astype(np.int64).clip(0, 65535) // 257).astype(np.uint8))
    if image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    if image.mode in ("LA", "PA", "RGBA"):
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")
