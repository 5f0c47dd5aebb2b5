"""Getting MNIST and Fashion-MNIST: sources in order, everything checked, nothing half-written."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import multiprocessing
import pickle
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganbench.core.errors import GanbenchError
from ganbench.data import fetch, sources
from ganbench.data.fetch import fetch_fashion_mnist, fetch_mnist
from ganbench.data.idx import read_idx
from ganbench.data.labelled import LabelledImages
from ganbench.data.sources import FASHION_MNIST, MNIST


class Mirror:
    """An HTTP server on loopback that serves what it is told to."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.asked: list[str] = []
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.strip("/")
                mirror.asked.append(name)
                if name not in files:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(files[name])))
                self.end_headers()
                self.wfile.write(files[name])

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self._server.server_port}/"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Four small files in MNIST's place, with their sums, and no package index."""
    contents = {name: name.encode() * 50 for name in MNIST.md5}
    monkeypatch.setattr(fetch, "MNIST", replace(MNIST, md5=md5_sums(contents)))

    def no_index(folder: Path) -> None:
        raise sources.RefusedError("there is no index here")

    monkeypatch.setattr(sources, "_download_wheel", no_index)
    return contents


def md5_sums(contents: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.md5(content).hexdigest() for name, content in contents.items()}


def packed(contents: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{name}.gz": gzip.compress(content) for name, content in contents.items()}


@pytest.fixture
def mirror(small: dict[str, bytes]) -> Iterator[Mirror]:
    server = Mirror(packed(small))
    yield server
    server.close()


def files(folder: Path) -> set[str]:
    return {path.name for path in (folder / "mnist").iterdir()} - {".lock"}


def test_a_mirror_serves_and_the_second_time_the_cache_does(
    tmp_path: Path, small: dict[str, bytes], mirror: Mirror
) -> None:
    paths = fetch_mnist(tmp_path, mirrors=lambda: [mirror.address])
    assert {name: path.read_bytes() for name, path in paths.items()} == small
    fetch_mnist(tmp_path, mirrors=lambda: pytest.fail("the cache is complete"))
    assert len(mirror.asked) == 4


def test_a_folder_of_ones_own_is_asked_first(
    tmp_path: Path, small: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "carried along" / "mnist"
    own.mkdir(parents=True)
    for name, content in packed(small).items():
        (own / name).write_bytes(content)
    monkeypatch.setenv("GANBENCH_MIRROR", str(own.parent))
    paths = fetch_mnist(tmp_path, mirrors=lambda: pytest.fail("the folder has them"))
    assert {name: path.read_bytes() for name, path in paths.items()} == small


def test_what_such_a_folder_lacks_comes_from_the_next(
    tmp_path: Path, small: dict[str, bytes], mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANBENCH_MIRROR", str(tmp_path / "nothing"))
    paths = fetch_mnist(tmp_path, mirrors=lambda: [mirror.address])
    assert {name: path.read_bytes() for name, path in paths.items()} == small


def test_a_cut_file_in_the_cache_is_fetched_again(tmp_path: Path, small: dict[str, bytes], mirror: Mirror) -> None:
    paths = fetch_mnist(tmp_path, mirrors=lambda: [mirror.address])
    victim = paths["train-images-idx3-ubyte"]
    victim.write_bytes(victim.read_bytes()[:-5])
    said: list[str] = []
    fetch_mnist(tmp_path, mirrors=lambda: [mirror.address], say=said.append)
    assert victim.read_bytes() == small["train-images-idx3-ubyte"]
    assert len(mirror.asked) == 5
    assert "truncated or altered" in said[0]


def test_a_wrong_file_from_a_mirror_is_refused_and_the_next_mirror_asked(
    tmp_path: Path, small: dict[str, bytes], mirror: Mirror
) -> None:
    wrong = Mirror({f"{name}.gz": gzip.compress(b"something else") for name in small})
    cut = Mirror({name: content[:-9] for name, content in packed(small).items()})
    said: list[str] = []
    paths = fetch_mnist(tmp_path, mirrors=lambda: [wrong.address, cut.address, mirror.address], say=said.append)
    assert {name: path.read_bytes() for name, path in paths.items()} == small
    assert any("truncated or altered" in line for line in said)
    assert len(wrong.asked) == len(cut.asked) == 1, "a mirror that was wrong once isn't asked again"
    wrong.close()
    cut.close()


def test_with_no_source_one_message_says_where_to_put_the_files(tmp_path: Path, small: dict[str, bytes]) -> None:
    with pytest.raises(GanbenchError) as error:
        fetch_mnist(tmp_path, mirrors=lambda: ["http://127.0.0.1:1/"])
    assert str(tmp_path / "mnist") in str(error.value)
    assert "by hand" in str(error.value)
    assert "\n" not in str(error.value)
    assert files(tmp_path) == set()


def test_a_silent_mirror_costs_no_more_than_its_patience(
    tmp_path: Path, small: dict[str, bytes], mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    monkeypatch.setattr(fetch, "MIRROR_PATIENCE", 0.5)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        fetch_mnist(tmp_path, mirrors=lambda: [f"http://127.0.0.1:{silent.getsockname()[1]}/", mirror.address])
        assert time.monotonic() - began < 2.5


def test_an_interrupted_download_leaves_nothing_that_looks_whole(
    tmp_path: Path, small: dict[str, bytes], mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            fetch_mnist(tmp_path, mirrors=lambda: [mirror.address])
    assert files(tmp_path) == set()
    (tmp_path / "mnist" / ".part-of-a-killed-process").write_bytes(b"half")
    fetch_mnist(tmp_path, mirrors=lambda: [mirror.address])
    assert files(tmp_path) == set(small)


def fetch_in_a_process(folder: Path, address: str, sums: dict[str, str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetch, "MNIST", replace(MNIST, md5=sums))
        fetch_mnist(folder, mirrors=lambda: [address])


def test_processes_that_fetch_at_once_share_one_download(
    tmp_path: Path, small: dict[str, bytes], mirror: Mirror
) -> None:
    context = multiprocessing.get_context("spawn")
    arguments = (tmp_path, mirror.address, md5_sums(small))
    processes = [context.Process(target=fetch_in_a_process, args=arguments) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert files(tmp_path) == set(small)
    assert len(mirror.asked) == 4


def test_an_unwritable_cache_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(GanbenchError, match="can't be written"):
        fetch_mnist(tmp_path / "file")


def test_the_last_resort_for_fashion_mnist_is_debians_package_and_it_is_checked_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = {name: name.encode() * 50 for name in FASHION_MNIST.md5}
    monkeypatch.setattr(fetch, "FASHION_MNIST", replace(FASHION_MNIST, md5=md5_sums(contents)))
    monkeypatch.setattr(sources, "DEBIAN_FASHION_MNIST", tmp_path / "debian")

    def get() -> dict[str, Path]:
        return fetch_fashion_mnist(tmp_path / "cache", mirrors=lambda: ["http://127.0.0.1:1/"])

    with pytest.raises(GanbenchError, match=r"Fashion-MNIST can't be fetched .* by hand"):
        get()
    (tmp_path / "debian").mkdir()
    for name, content in packed(contents).items():
        (tmp_path / "debian" / name).write_bytes(content)
    victim = tmp_path / "debian" / "t10k-labels-idx1-ubyte.gz"
    whole = victim.read_bytes()
    victim.write_bytes(gzip.compress(b"something else"))
    with pytest.raises(GanbenchError, match="truncated or altered"):
        get()
    victim.write_bytes(whole)
    assert {name: path.read_bytes() for name, path in get().items()} == contents


def test_the_package_index_copy_becomes_the_published_files() -> None:
    """A pickle like the wheel's, of three pairs: images as bytes / 256, the first two pairs joined."""
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, (n, 784)) for n in (5, 2, 3)]
    labels = [random.integers(0, 10, n) for n in (5, 2, 3)]
    pairs = tuple((part.astype(np.float32) / 256, label) for part, label in zip(images, labels, strict=True))
    made = sources._idx_from_pickle(pickle.dumps(pairs))
    assert made["train-labels-idx1-ubyte"] == b"\0\0\x08\x01\0\0\0\x07" + bytes(np.concatenate(labels[:2]).tolist())
    head = b"\0\0\x08\x03\0\0\0\x03\0\0\0\x1c\0\0\0\x1c"
    assert made["t10k-images-idx3-ubyte"] == head + images[2].astype(np.uint8).tobytes()


class Hostile:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        import os

        return os.system, ("touch /tmp/ganbench-was-here",)


def test_a_hostile_pickle_is_refused_and_not_run() -> None:
    with pytest.raises(pickle.UnpicklingError, match="refused"):
        sources._idx_from_pickle(pickle.dumps(Hostile()))
    assert not Path("/tmp/ganbench-was-here").exists()


def test_real_mnist_is_what_was_published(mnist: LabelledImages) -> None:
    folder = fetch.cache_folder() / "mnist"
    for name, md5 in MNIST.md5.items():
        assert hashlib.md5((folder / name).read_bytes()).hexdigest() == md5
    assert read_idx(folder / "train-images-idx3-ubyte").shape == (60_000, 28, 28)
    assert mnist.shape == (1, 28, 28)
    assert mnist.train_labels.bincount().tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    batch = mnist.batch(mnist.test_labels[:3])
    assert (batch.min().item(), batch.max().item()) == (-1, 1)
