"""Zip archives that may be broken or hostile: members are read only if their sizes and checksums are as declared."""

from __future__ import annotations

import struct
import tokenize
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from ganbench.core.errors import GanbenchError

LIMIT = 8 * 2**30
"""Maximum size of samples or a network in bytes, unpacked."""

LENGTHS = struct.Struct("<26xHH")
"""The header of a member: the lengths of its name and its extra field, which follow it."""

BROKEN = (
    BadZipFile,  # not a zip, or a wrong checksum
    zlib.error,  # corrupt compressed data
    struct.error,  # truncated in the middle of a field
    OSError,  # offsets before the start or beyond the end of the file
    EOFError,
    ValueError,  # names that aren't UTF-8, negative sizes; in NumPy's headers, everything
    SyntaxError,  # in NumPy's headers, which are Python expressions, too
    tokenize.TokenError,
    OverflowError,
    RuntimeError,  # encryption, and features that zipfile lacks
    MemoryError,
    RecursionError,
)
"""Exceptions that reading a damaged archive, or a NumPy array in it, can raise."""


@contextmanager
def open_zip(path: Path, otherwise: str) -> Iterator[ZipFile]:
    """Open a zip archive whose members have distinct names, are stored or deflated, and unpack to less than the limit.

    Raises:
        GanbenchError: it is not a zip (the message ends with `otherwise`), or fails while it is read.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(4)
            if magic != b"PK\x03\x04":
                raise GanbenchError(f"'{path}' {otherwise}")
            with ZipFile(file) as archive:
                _check(path, archive)
                yield archive
    except BROKEN as error:
        raise GanbenchError(f"'{path}' is truncated or altered ({in_short(error)}): create it again") from error


def read_members(path: Path, otherwise: str) -> dict[str, bytes]:
    """All members of a PyTorch archive, by their names below its single top-level folder."""
    with open_zip(path, otherwise) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    if len({name.partition("/")[0] for name in members}) != 1:
        raise GanbenchError(f"'{path}' {otherwise}")
    return {name.partition("/")[2]: content for name, content in members.items()}


def content_offset(path: Path, info: ZipInfo) -> int:
    """Return where in the file the content of a member begins, which its own header says: 30 bytes, name, extra field.

    Raises:
        struct.error: the file ends within that header.
    """
    with path.open("rb") as file:
        file.seek(info.header_offset)
        name, extra = LENGTHS.unpack(file.read(LENGTHS.size))
    return info.header_offset + LENGTHS.size + int(name) + int(extra)


def in_short(error: BaseException) -> str:
    """The last line of an error's message, where PyTorch puts the essentials, shortened to 160 characters."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    line = lines[-1] if lines else type(error).__name__
    return line if len(line) <= 160 else f"{line[:159]}…"


def _check(path: Path, archive: ZipFile) -> None:
    infos = archive.infolist()
    if len({info.filename for info in infos}) < len(infos):
        raise GanbenchError(
            f"'{path}' has two members with the same name, so its content is ambiguous: create it again"
        )
    for info in infos:
        if info.flag_bits & 1 or info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise GanbenchError(f"'{path}' is encrypted or compressed in an unusual way: write it without that")
    size = sum(info.file_size for info in infos)
    if size > LIMIT:
        raise GanbenchError(
            f"'{path}' is {size / 2**30:,.0f} GiB unpacked, but at most {LIMIT >> 30} are allowed: give fewer samples"
        )
