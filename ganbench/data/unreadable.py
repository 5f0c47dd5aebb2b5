"""Exceptions that Pillow raises for pictures that are broken or hostile."""

from __future__ import annotations

import struct
import zlib

from PIL import Image

UNREADABLE = (
    OSError,  # not a picture, truncated, or unreadable
    SyntaxError,  # Pillow's error for broken chunks
    ValueError,  # too much text in it, impossible sizes
    EOFError,
    IndexError,
    OverflowError,
    struct.error,
    zlib.error,
    MemoryError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
