"""Data sets of torchvision as sources: small files in their formats are read as torchvision reads them."""

from __future__ import annotations

import gzip
import hashlib
import pickle
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.io import savemat
from torchvision import datasets

from ganbench.cli.main import main
from ganbench.core.errors import GanbenchError
from ganbench.core.own_data import own_data_folder
from ganbench.data.fetch import cache_folder
from ganbench.data.idx import to_idx
from ganbench.data.own import torchvision_source
from ganbench.data.own.source import open_source, open_unlabelled
from ganbench.data.own.torchvision_source import FORMATS, read_torchvision

PARTS = {"train": 30, "test": 20}
Patch = pytest.MonkeyPatch
random = np.random.default_rng(0)


def images(count: int, *shape: int) -> np.ndarray:
    return random.integers(0, 256, (count, *shape), np.uint8)


def python_2(value: object) -> bytes:
    """A value as Python 2 pickled it, by protocol 2: words and bytes were one thing there, and are Latin-1."""
    if isinstance(value, np.ndarray):
        array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n" + python_2((0,)) + python_2("b") + b"tR"
        kind = b"cnumpy\ndtype\n" + python_2(("u1", 0, 1)) + b"R"
        kind += python_2((3, "|", None, None, None, -1, -1, 0)) + b"b"
        state = python_2(1) + python_2(value.shape) + kind + b"\x89" + python_2(value.tobytes().decode("latin1"))
        return array + b"(" + state + b"tb"
    if isinstance(value, Mapping):
        return b"}(" + b"".join(python_2(part) for pair in value.items() for part in pair) + b"u"
    if isinstance(value, list):
        return b"](" + b"".join(map(python_2, value)) + b"e"
    if isinstance(value, tuple):
        return b"(" + b"".join(map(python_2, value)) + b"t"
    if value is None:
        return b"N"
    if isinstance(value, int):
        return b"K" + bytes([value]) if 0 <= value < 256 else b"J" + struct.pack("<i", value)
    content = str(value).encode("latin1")
    length = b"U" + bytes([len(content)]) if len(content) < 256 else b"T" + struct.pack("<i", len(content))
    return length + content


def write(path: Path, content: bytes) -> str:
    """Write a file, and return its MD5 sum."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def write_cifar(root: Path, kind: Any, patch: Patch) -> None:
    key, classes = ("labels", 10) if kind is datasets.CIFAR10 else ("fine_labels", 100)
    for which in ("train_list", "test_list"):
        sums = []
        for name, _ in getattr(kind, which):
            entry = {
                "batch_label": f"a batch called {name}",
                key: random.integers(0, classes, 300).tolist(),
                "data": images(300, 3 * 32 * 32),
                "filenames": [f"{number}.png" for number in range(300)],
            }
            sums.append([name, write(root / kind.base_folder / name, b"\x80\x02" + python_2(entry) + b".")])
        patch.setattr(kind, which, sums)
    names = [f"class {number}" for number in range(classes)]
    meta = {"num_cases_per_batch": 300, kind.meta["key"]: names, "num_vis": 3072}
    md5 = write(root / kind.base_folder / kind.meta["filename"], b"\x80\x02" + python_2(meta) + b".")
    patch.setattr(kind, "meta", {**kind.meta, "md5": md5})


def write_svhn(root: Path, kind: Any, patch: Patch) -> None:
    root.mkdir(parents=True, exist_ok=True)
    splits = dict(kind.split_list)
    for split, count in PARTS.items():
        url, name, _ = splits[split]
        labels = random.integers(1, 11, (count, 1), np.uint8)
        savemat(root / name, {"X": images(32, 32, 3, count), "y": labels})
        splits[split] = [url, name, hashlib.md5((root / name).read_bytes(), usedforsecurity=False).hexdigest()]
    patch.setattr(kind, "split_list", splits)


def write_stl10(root: Path, kind: Any, patch: Patch) -> None:
    folder = root / kind.base_folder
    lists = {"train": kind.train_list, "test": kind.test_list}
    for split, count in PARTS.items():
        contents = [images(count, 3, 96, 96), random.integers(1, 11, count, np.uint8), np.zeros(0, np.uint8)]
        named = [
            [name, write(folder / name, content.tobytes())]
            for (name, _), content in zip(lists[split], contents, strict=False)
        ]
        patch.setattr(kind, f"{split}_list", named)
    (folder / "class_names.txt").write_text("\n".join(f"animal{number}" for number in range(10)))


def write_idx(root: Path, kind: Any, patch: Patch) -> None:
    for part, count in (("train", 30), ("t10k", 20)):
        for what, content in (("images-idx3", images(count, 28, 28)), ("labels-idx1", random.integers(0, 10, count))):
            write(root / kind.__name__ / "raw" / f"{part}-{what}-ubyte", to_idx(content.astype(np.uint8)))


WRITERS: dict[str, Callable[[Path, Any, Patch], None]] = {
    **dict.fromkeys(("CIFAR10", "CIFAR100"), write_cifar),
    "SVHN": write_svhn,
    "STL10": write_stl10,
    **dict.fromkeys(("MNIST", "FashionMNIST", "KMNIST"), write_idx),
}


def read_by_torchvision(root: Path, name: str) -> tuple[list[np.ndarray], list[str]]:
    """Pixels and classes, by torchvision itself."""
    kind = getattr(datasets, name)
    parts = [kind(root, split=split) if name in ("SVHN", "STL10") else kind(root, split == "train") for split in PARTS]
    classes = [str(digit) for digit in range(10)] if name == "SVHN" else parts[0].classes
    pairs = [pair for part in parts for pair in part]
    return [np.asarray(image) for image, _ in pairs], [classes[label].replace("/", " ") for _, label in pairs]


@pytest.mark.parametrize("name", FORMATS)
def test_files_are_read_as_torchvision_reads_them(name: str, tmp_path: Path, monkeypatch: Patch) -> None:
    WRITERS[name](tmp_path, getattr(datasets, name), monkeypatch)
    source = open_source(Path(f"torchvision:{name}:{tmp_path}"))
    expected, classes = read_by_torchvision(tmp_path, name)
    assert len(source) == len(expected) >= 50
    assert list(source.labels) == classes
    assert all((np.asarray(source.read(number).image) == image).all() for number, image in enumerate(expected))
    unlabelled = open_unlabelled(Path(f"torchvision:{name}:{tmp_path}"))
    assert (set(unlabelled.labels), unlabelled.notes) == ({""}, ("labels ignored",))


def test_pickle_is_never_run(tmp_path: Path, monkeypatch: Patch) -> None:
    write_cifar(tmp_path, datasets.CIFAR10, monkeypatch)
    folder = tmp_path / datasets.CIFAR10.base_folder
    path = str(tmp_path / "run").encode()
    command = b"cos\nmkdir\n(X" + struct.pack("<i", len(path)) + path + b"tR0"
    content = (folder / "batches.meta").read_bytes()
    content = content[:2] + command + content[2:]
    md5 = write(folder / "batches.meta", content)
    monkeypatch.setattr(datasets.CIFAR10, "meta", {**datasets.CIFAR10.meta, "md5": md5})
    assert read_torchvision(f"torchvision:CIFAR10:{tmp_path}")[1][0].startswith("class ")
    assert not (tmp_path / "run").exists()
    pickle.loads(content, encoding="latin1")
    assert (tmp_path / "run").exists()  # so it was a program


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("words", "spoil", "message"),
    [
        ("torchvision:ImageNet", None, "'ImageNet' isn't a data set of torchvision that can be added: choose one of"),
        ("torchvision:", None, "'' isn't a data set of torchvision"),
        ("torchvision:SVHN:{}", Path.unlink, "can't be read (No such file or directory): in torchvision:SVHN:FOLDER"),
        ("torchvision:SVHN:{}", truncated, "isn't the published file (wrong MD5 sum)"),
        ("torchvision:KMNIST:{}", truncated, "KMNIST in '{}' is truncated or altered"),
    ],
)
def test_what_cannot_be_read_is_one_line_and_nothing_is_written(
    words: str, spoil: Callable[[Path], object] | None, message: str, tmp_path: Path, monkeypatch: Patch
) -> None:
    root = tmp_path / "root"
    monkeypatch.setenv("GANBENCH_DATA", str(tmp_path / "data"))
    if spoil:
        write_svhn(root, datasets.SVHN, monkeypatch)
        write_idx(root, datasets.KMNIST, monkeypatch)
        spoil(root / "test_32x32.mat")
        spoil(root / "KMNIST/raw/t10k-images-idx3-ubyte")
    result = CliRunner().invoke(main, ["data", "add", "mine", words.format(root)])
    assert result.exit_code == 2, result.output
    (line,) = result.output.splitlines()
    assert line.startswith("Error: ")
    assert message.format(root) in line
    assert not own_data_folder().exists()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address under which its files are served."""
    folder = tmp_path / "served"
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def test_files_that_are_not_there_are_downloaded_and_refused_if_altered(
    served: tuple[Path, str], tmp_path: Path, monkeypatch: Patch
) -> None:
    kind, (folder, address) = datasets.FashionMNIST, served
    write_idx(tmp_path, kind, monkeypatch)
    sums = []
    for path in (tmp_path / "FashionMNIST" / "raw").iterdir():
        name = f"{path.name}.gz"
        sums.append((name, write(folder / name, gzip.compress(path.read_bytes(), mtime=0))))
    monkeypatch.setattr(kind, "resources", sums)
    monkeypatch.setattr(kind, "mirrors", [f"{address}none/", address])
    monkeypatch.setenv("GANBENCH_DATA", str(tmp_path / "data"))
    pixels, labels = read_torchvision("torchvision:FashionMNIST")
    expected, classes = read_by_torchvision(tmp_path, "FashionMNIST")
    assert (pixels == np.array(expected)).all()
    assert list(labels) == classes
    assert (cache_folder() / "torchvision" / "FashionMNIST" / "raw").is_dir()

    monkeypatch.setenv("GANBENCH_DATA", str(tmp_path / "elsewhere"))
    monkeypatch.setattr(kind, "resources", [(name, "0" * 32) for name, _ in sums])
    with pytest.raises(GanbenchError, match=r"FashionMNIST can't be downloaded \(File not found or corrupted"):
        read_torchvision("torchvision:FashionMNIST")


def test_downloads_without_data_are_given_up(tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr(torchvision_source, "PATIENCE", 0.2)
    monkeypatch.setenv("GANBENCH_DATA", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(datasets.KMNIST, "mirrors", [f"http://127.0.0.1:{silent.getsockname()[1]}/"])
        with pytest.raises(GanbenchError, match=r"KMNIST can't be downloaded \(timed out\)"):
            read_torchvision("torchvision:KMNIST")
    assert socket.getdefaulttimeout() is None
