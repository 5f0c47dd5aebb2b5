"""Reading samples: valid files are read back exactly, and all others raise a one-line GanbenchError."""

from __future__ import annotations

import errno
import io
import json
import os
import struct
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from ganbench.core.errors import GanbenchError
from ganbench.data import zips
from ganbench.data.evaluators.classifier import check_images, to_signed
from ganbench.evaluation.samples import GeneratorSource, check_array, read_samples
from ganbench.evaluation.samples.arrays import read_npz
from ganbench.evaluation.samples.operators import ATEN, find_operator
from ganbench.methods.archs import ARCHS

SHAPE = (1, 4, 4)
COLOUR = (3, 4, 5)
POINT = (2,)
ARCH = ARCHS.create({"name": "mlp", "latent_dim": 3, "generator_widths": [5], "critic_widths": [4]})


def pixels(count: int = 6, shape: tuple[int, ...] = SHAPE) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Random bytes, including 0 and 255."""
    images = np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)
    images.flat[:2] = 0, 255
    return images


def signed(images: np.ndarray[Any, np.dtype[np.uint8]]) -> Tensor:
    return to_signed(torch.from_numpy(images.copy()))


def error_message(path: Path, shape: tuple[int, ...] = SHAPE, **options: Any) -> str:
    """Read a file that must be rejected, and return the error message."""
    with pytest.raises(GanbenchError) as caught:
        read_samples(path, shape, **options)
    message = str(caught.value)
    assert message
    assert "\n" not in message
    assert len(message) < 600
    return message


def close(read: Tensor, expected: Tensor) -> bool:
    return read.dtype == torch.float32 and read.shape == expected.shape and bool((read - expected).abs().max() < 1e-5)


# Arrays


@pytest.mark.parametrize("kind", ["npy", "npz", "packed"])
def test_arrays_are_read_as_written(tmp_path: Path, kind: str) -> None:
    images = pixels()
    path = tmp_path / f"x.{'npy' if kind == 'npy' else 'npz'}"
    if kind == "npy":
        np.save(path, images)
    else:
        (np.savez if kind == "npz" else np.savez_compressed)(path, samples=images)
    samples = read_samples(path, SHAPE)
    assert close(samples.tensor, signed(images))
    check_images(samples.tensor, SHAPE)
    name = "x.npy" if kind == "npy" else "x.npz ('samples')"
    assert samples.source == f"{name}, 6 × 1×4×4, bytes"
    assert close(read_samples(path, SHAPE, most=2).tensor, signed(images[:2]))


@pytest.mark.parametrize("dtype", ["<f2", "<f4", ">f4", "<f8", ">f8", "longdouble"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_floats_of_any_type_and_memory_order_are_read(tmp_path: Path, dtype: str, order: Any) -> None:
    points = np.random.default_rng(1).normal(0, 1, (7, 2)).astype(dtype).copy(order=order)
    np.save(tmp_path / "x.npy", points)
    samples = read_samples(tmp_path / "x.npy", POINT)
    assert close(samples.tensor, torch.from_numpy(points.astype(np.float32)))
    assert samples.source == "x.npy, 7 × 2"


def test_array_is_chosen_by_name_or_shape_or_ambiguity_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, images=pixels(), labels=np.arange(6))
    assert close(read_samples(path, SHAPE).tensor, signed(pixels()))
    np.savez(path, fakes=pixels(), labels=np.arange(6))
    assert "'fakes', 'labels'" in error_message(path)
    np.savez(path, fakes=pixels())
    assert close(read_samples(path, SHAPE).tensor, signed(pixels()))
    np.savez(path)
    error_message(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "contains no array" in error_message(path)


def test_array_from_python_is_not_modified() -> None:
    images = pixels().astype(np.float32) / 127.5 - 1
    before = images.copy()
    for given_array in (images, torch.from_numpy(images), torch.from_numpy(images).double()):
        result = check_array(given_array, SHAPE)
        assert close(result, signed(pixels()))
        result.zero_()
    assert np.array_equal(images, before)
    tensor = torch.from_numpy(images).to(torch.bfloat16).requires_grad_()
    assert check_array(tensor, SHAPE).shape == (6, *SHAPE)


@pytest.mark.parametrize(
    "wrong",
    [
        [[1.0, 2.0]],
        "points",
        None,
        np.ma.masked_array(np.zeros((3, 2)), mask=True),
        torch.zeros(3, 2).to_sparse(),
        torch.zeros(3, 2, device="meta"),
        torch.zeros(3, 2, dtype=torch.complex64),
        torch.zeros(3, 2, dtype=torch.bool),
        torch.zeros(3, 2, dtype=torch.int64),
        np.zeros((3, 2), dtype="U3"),
        np.zeros((3, 2), dtype="M8[s]"),
        np.zeros((3, 2), dtype=[("a", "f4")]),
        np.array(1.0),
    ],
)
def test_non_numeric_input_is_rejected(wrong: object) -> None:
    with pytest.raises(GanbenchError):
        check_array(wrong, POINT)


# Layout


def test_unambiguous_layouts_give_equal_images() -> None:
    grey, colour = pixels(), pixels(6, COLOUR)
    for layout in (grey, grey[:, 0], grey.reshape(6, -1), np.moveaxis(grey, 1, -1)):
        assert close(check_array(layout, SHAPE), signed(grey))
    for layout in (colour, np.moveaxis(colour, 1, -1)):
        assert close(check_array(layout, COLOUR), signed(colour))


@pytest.mark.parametrize("shape", [(6,), (6, 15), (6, 5, 5), (6, 2, 4, 4), (6, 1, 1, 4, 4), (0, 1, 4, 4), ()])
def test_wrong_shape_error_names_actual_and_expected_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(GanbenchError) as caught:
        check_array(np.full(shape, 0.5), SHAPE, "0..1")
    if 0 in shape:
        assert "no samples" in str(caught.value)
    else:
        assert "[N, 1, 4, 4]" in str(caught.value)
        assert str(list(shape)) in str(caught.value)


def test_flat_rows_of_several_channels_are_rejected_as_ambiguous() -> None:
    with pytest.raises(GanbenchError, match="reshape"):
        check_array(pixels(6, COLOUR).reshape(6, -1), COLOUR)


# Range


@pytest.mark.parametrize(("name", "low", "high"), [("0..255", 0, 255), ("0..1", 0, 1), ("-1..1", -1, 1)])
def test_pixel_range_is_recognised_or_stated(name: str, low: float, high: float) -> None:
    floats = pixels() / 255 * (high - low) + low
    for stated in (None, name):
        assert close(check_array(floats, SHAPE, stated), signed(pixels()))
    narrow = (pixels() / 255 * 0.2 + 0.4) * (high - low) + low  # as from a generator early in training
    assert close(check_array(narrow, SHAPE, name), torch.from_numpy(pixels() / 255 * 0.4 - 0.2).float())


@pytest.mark.parametrize(
    ("low", "high"), [(0, 0.5), (0.2, 0.9), (0, 1.5), (0, 3), (-0.05, 1), (-2, 2), (-1, 3), (0, 300), (0, 0), (1, 1)]
)
def test_ambiguous_pixel_range_must_be_stated(low: float, high: float) -> None:
    with pytest.raises(GanbenchError, match=r"state it \(0..255, 0..1, -1..1\)"):
        check_array(pixels() / 255 * (high - low) + low, SHAPE)


@pytest.mark.parametrize(
    ("stated", "low", "high"), [("0..1", 0, 1.2), ("0..1", -0.2, 1), ("-1..1", -1, 2), ("0..255", 0, 300)]
)
def test_stated_pixel_range_is_checked(stated: str, low: float, high: float) -> None:
    with pytest.raises(GanbenchError, match="outside the stated range"):
        check_array(pixels() / 255 * (high - low) + low, SHAPE, stated)
    with pytest.raises(GanbenchError, match=r"unknown range '0-1'"):
        check_array(pixels(), SHAPE, "0-1")
    with pytest.raises(GanbenchError, match="points have no pixel range"):
        check_array(np.zeros((3, 2)), POINT, "0..1")


def test_integers_need_a_stated_range_unless_they_are_bytes() -> None:
    binary = (pixels() > 127).astype(np.uint8)
    with pytest.raises(GanbenchError, match="0 or 1"):
        check_array(binary, SHAPE)
    assert close(check_array(binary, SHAPE, "0..1"), signed(binary * np.uint8(255)))
    with pytest.raises(GanbenchError, match="int64"):
        check_array(pixels().astype(np.int64), SHAPE)
    assert close(check_array(pixels().astype(np.int64), SHAPE, "0..255"), signed(pixels()))
    with pytest.raises(GanbenchError, match="outside the stated range"):
        check_array(pixels().astype(np.int64) + 1, SHAPE, "0..255")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_non_finite_samples_are_counted_in_the_error(value: float) -> None:
    points = np.zeros((1200, 2))
    points[[3, 5], 1] = value
    with pytest.raises(GanbenchError, match="2 of 1,200 samples"):
        check_array(points, POINT)


# Broken, hostile and unrelated files


class Harm:
    """An object that creates a folder when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    harm = np.array([Harm(tmp_path / "harm")], dtype=object)
    np.savez(tmp_path / "x.npz", samples=harm)
    np.save(tmp_path / "x.npy", harm)
    torch.save(Harm(tmp_path / "harm"), tmp_path / "x.pt")
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "y.pt")
    source = GeneratorSource(4, (3,))
    assert "pickle" in error_message(tmp_path / "x.npz")
    assert "pickle" in error_message(tmp_path / "x.npy")
    for name in ("x.pt", "y.pt"):
        assert "torch.export.save" in error_message(tmp_path / name, generator=source)
        (tmp_path / name).rename(tmp_path / f"{name}2")
        assert "torch.export.save" in error_message(tmp_path / f"{name}2", generator=source)
    torch.save(Harm(tmp_path / "harm"), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    assert "pickle" in error_message(tmp_path / "old.pt", generator=source)
    assert not (tmp_path / "harm").exists()


def test_missing_and_unsupported_files_are_rejected(tmp_path: Path) -> None:
    assert "there is no file" in error_message(tmp_path / "x.npy")
    (tmp_path / "x.npy").symlink_to(tmp_path / "nothing")
    assert "a broken link" in error_message(tmp_path / "x.npy")
    (tmp_path / "x.npz").mkdir()
    assert "no pictures (.png, .jpg, .webp)" in error_message(tmp_path / "x.npz")
    (tmp_path / "x.jpg").write_bytes(b"")
    assert "not a kind" in error_message(tmp_path / "x.jpg")
    os.mkfifo(tmp_path / "pipe.npy")
    assert "neither" in error_message(tmp_path / "pipe.npy")
    error_message(tmp_path / ("x" * 300 + ".npy"))
    np.save(tmp_path / "y.npy", pixels())
    assert "not a generator" in error_message(tmp_path / "y.npy", generator=GeneratorSource(4, (3,)))
    for suffix in (".npy", ".npz", ".pt", ".pt2", ".safetensors"):
        for content in (b"", b"PK\x03\x04", b"\x93NUMPY", b"not what it says"):
            (tmp_path / f"z{suffix}").write_bytes(content)
            generator = GeneratorSource(4, (3,), arch=ARCH) if suffix[1] in "ps" else None
            error_message(tmp_path / f"z{suffix}", generator=generator)


def header(shape: str, dtype: str = "<f4", fortran: str = "False") -> bytes:
    text = f"{{'descr': '{dtype}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


@pytest.mark.parametrize(
    "content",
    [
        header("(1000000000000, 2)"),
        header("(3, 2)") + bytes(23),
        header("(3, 2)") + bytes(25),
        header("(-3, -2)") + bytes(24),
        header("(3, 2)", "<f3") + bytes(24),
        header("(" * 3000 + ")" * 3000),
        header("(3, True)"),
        header("3"),
        header("(3, 2)", "<f4", "7") + bytes(24),
    ],
)
def test_array_that_contradicts_its_header_is_rejected(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    error_message(tmp_path / "x.npy", POINT)
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("samples.npy", content)
    error_message(tmp_path / "x.npz", POINT)


def test_zip_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zips, "LIMIT", 10_000)
    np.savez_compressed(tmp_path / "x.npz", samples=np.zeros((100, 28, 28), np.uint8))
    assert (tmp_path / "x.npz").stat().st_size < 2000
    assert "unpacked" in error_message(tmp_path / "x.npz", (1, 28, 28))


def test_compressed_array_takes_no_memory_before_it_is_used(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "x.npz", samples=np.zeros((64, 1, 512, 512), np.uint8))
    tracemalloc.start()
    values, _ = read_npz(tmp_path / "x.npz")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < values.nbytes / 4


def test_full_temporary_folder_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class FullDisk(io.BytesIO):
        def write(self, content: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", FullDisk)
    np.savez_compressed(tmp_path / "x.npz", samples=np.zeros((3, 2)))
    assert "$TMPDIR" in error_message(tmp_path / "x.npz", POINT)


def test_corrupt_compressed_array_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez_compressed(path, samples=np.random.default_rng(0).normal(size=(300, 2)))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    assert "truncated or altered" in error_message(path, POINT)


def test_inconsistent_zip_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile's own warning
        with zipfile.ZipFile(path, "w") as archive:
            for _ in range(2):
                archive.writestr("samples.npy", header("(3, 2)") + bytes(24))
    assert "two members" in error_message(path, POINT)
    np.savez(path, samples=np.zeros((3, 2)))
    content = bytearray(path.read_bytes())
    content[content.index(b"fortran") + 200] ^= 1
    path.write_bytes(content)
    assert "truncated or altered" in error_message(path, POINT)


# Pictures


def save_pictures(folder: Path, images: np.ndarray[Any, Any], mode: str) -> None:
    folder.mkdir(exist_ok=True)
    for number, image in enumerate(images):
        channels = np.moveaxis(image, 0, -1)
        Image.fromarray(channels if mode == "RGB" else channels[..., 0], mode=None).save(folder / f"{number:03}.png")


def test_pictures_are_read_as_written(tmp_path: Path) -> None:
    save_pictures(tmp_path / "grey", pixels(), "L")
    samples = read_samples(tmp_path / "grey", SHAPE)
    assert close(samples.tensor, signed(pixels()))
    assert samples.source == "grey (PNGs), 6 × 1×4×4, bytes"
    assert close(read_samples(tmp_path / "grey", SHAPE, most=3).tensor, signed(pixels()[:3]))
    save_pictures(tmp_path / "colour", pixels(6, COLOUR), "RGB")
    assert close(read_samples(tmp_path / "colour", COLOUR).tensor, signed(pixels(6, COLOUR)))
    save_pictures(tmp_path / "grey-as-rgb", pixels().repeat(3, axis=1), "RGB")
    assert close(read_samples(tmp_path / "grey-as-rgb", SHAPE).tensor, signed(pixels()))


def test_pictures_of_several_formats_are_one_set_of_samples(tmp_path: Path) -> None:
    save_pictures(tmp_path / "mixed", pixels()[:3], "L")
    for number, image in enumerate(pixels()[3:5]):
        rgb = Image.fromarray(np.moveaxis(image, 0, -1).repeat(3, axis=-1))
        rgb.save(tmp_path / "mixed" / f"9{number}.webp", lossless=True)
    flat = np.full((4, 4), 77, np.uint8)
    Image.fromarray(flat).save(tmp_path / "mixed" / "99.JPG", format="JPEG", quality=100)
    (tmp_path / "mixed" / "notes.txt").write_text("of no interest")
    samples = read_samples(tmp_path / "mixed", SHAPE)
    assert close(samples.tensor, signed(np.concatenate([pixels()[:5], flat[None, None]])))
    assert samples.source == "mixed (PNGs, JPEGs and WEBPs), 6 × 1×4×4, bytes"
    (tmp_path / "mixed" / "99.JPG").write_bytes((tmp_path / "mixed" / "000.png").read_bytes())
    assert "99.JPG' is not a JPEG" in error_message(tmp_path / "mixed")


def test_pictures_in_sub_folders_are_one_set_of_samples(tmp_path: Path) -> None:
    folder = tmp_path / "classes"
    for name, part in (("b", pixels()[3:]), ("a", pixels()[:3]), (".hidden", pixels()[:1])):
        save_pictures_in(folder / name, part)
    samples = read_samples(folder, SHAPE)
    assert close(samples.tensor, signed(pixels()))
    assert samples.source == "classes (PNGs, 2 sub-folders), 6 × 1×4×4, bytes"
    (folder / "a" / "odd.png").write_bytes(b"")
    assert "odd.png" in error_message(folder)


def save_pictures_in(folder: Path, images: np.ndarray[Any, Any]) -> None:
    folder.mkdir(parents=True)
    save_pictures(folder, images, "L")


def test_unequal_and_broken_pictures_are_rejected(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    assert "no pictures" in error_message(tmp_path)
    save_pictures(folder, pixels(), "L")
    assert "are not images" in error_message(folder, POINT)
    assert "must be RGB" in error_message(folder, (3, 4, 4))
    assert "4×4 pixels, but all must be 5×5" in error_message(folder, (1, 5, 5))
    odd = folder / "odd.png"
    for image, reason in (
        (Image.new("L", (5, 4)), "5×4"),
        (Image.new("RGBA", (4, 4)), "mode RGBA"),
        (Image.new("I;16", (4, 4)), "mode I;16"),
        (Image.new("RGB", (4, 4), (9, 0, 0)), "coloured"),
    ):
        image.save(odd)
        message = error_message(folder)
        assert reason in message
        assert "odd.png" in message
    for content in (b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", (folder / "000.png").read_bytes()[:-20]):
        odd.write_bytes(content)
        assert "odd.png" in error_message(folder)
    odd.unlink()
    odd.symlink_to("nothing")
    assert "a broken link" in error_message(folder)
    odd.unlink()
    # A header that claims 60,000 × 60,000 pixels.
    content = (folder / "000.png").read_bytes()
    odd.write_bytes(content[:16] + struct.pack(">II", 60_000, 60_000) + content[24:])
    assert "odd.png" in error_message(folder)


# Generators


def small_generator(*, final: nn.Module | None = None) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Unflatten(1, (2, 2, 2))),
        nn.ConvTranspose2d(2, 1, 4, 2, 1),
        final or nn.Tanh(),
    ).eval()


def first_samples(network: nn.Module, seed: int = 0, latent_shape: tuple[int, ...] = (3,)) -> Tensor:
    """The first 500 samples of a network for a seed."""
    from ganbench.core.seeding import stream

    with torch.no_grad():
        samples: Tensor = network(torch.randn(500, *latent_shape, generator=stream(seed, "evaluation", 0)))
    return samples


def save_script(network: nn.Module, path: Path, example: Tensor | None = None) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated
        script = torch.jit.script(network) if example is None else torch.jit.trace(network, example)
        torch.jit.save(script, str(path))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Exported generators: one for any batch size, one for batches of 7."""
    folder = tmp_path_factory.mktemp("exported")
    free = {0: torch.export.Dim("batch")}
    programs = {
        "free": torch.export.export(small_generator(), (torch.zeros(4, 3),), dynamic_shapes=(free,)),
        "sevens": torch.export.export(small_generator(), (torch.zeros(7, 3),)),
    }
    for name, program in programs.items():
        torch.export.save(program, folder / f"{name}.pt2")
    return {name: folder / f"{name}.pt2" for name in programs}


@pytest.mark.parametrize("name", ["free", "sevens"])
def test_exported_generator_gives_the_samples_of_its_network(exported: dict[str, Path], name: str) -> None:
    expected = first_samples(small_generator(), seed=4)
    samples = read_samples(exported[name], SHAPE, generator=GeneratorSource(500, seed=4), pixel_range="-1..1")
    assert close(samples.tensor, expected)
    assert samples.source == f"{name}.pt2 (torch.export), 500 × 1×4×4, range -1..1"
    fewer = read_samples(
        exported[name], SHAPE, generator=GeneratorSource(500, (3,), seed=4), most=9, pixel_range="-1..1"
    )
    assert close(fewer.tensor, expected[:9])
    assert "latents of size [3], not [5]" in error_message(exported[name], generator=GeneratorSource(5, (5,)))
    assert "shape [1, 4, 4], not [1, 5, 5]" in error_message(exported[name], (1, 5, 5), generator=GeneratorSource(5))


def modified_archive(path: Path, target: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """A copy of a PyTorch archive with changed members, given by their names below its top folder."""
    with zipfile.ZipFile(path) as archive:
        members = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"x/{name}", content)
    return target


def test_exported_program_cannot_execute_code_or_read_beyond_its_weights(
    exported: dict[str, Path], tmp_path: Path
) -> None:
    harm = tmp_path / "harm"
    pickled = io.BytesIO()
    torch.save(Harm(harm), pickled)
    code = f"__import__('os').mkdir({str(harm)!r})"

    def edit(change: Callable[[Any], None], member: str = "models/model.json") -> Callable[[dict[str, bytes]], None]:
        def apply(members: dict[str, bytes]) -> None:
            content = json.loads(members[member])
            change(content)
            members[member] = json.dumps(content).encode()

        return apply

    def target(content: Any, name: str) -> None:
        content["graph_module"]["graph"]["nodes"][-1]["target"] = name

    def pickle_weights(content: Any) -> None:
        for entry in content["config"].values():
            entry["use_pickle"] = True

    def blow_up(content: Any) -> None:
        for entry in content["config"].values():
            entry["tensor_meta"]["sizes"] = [{"as_int": 10**9}]
            entry["tensor_meta"]["strides"] = [{"as_int": 0}]

    def reach_out(content: Any) -> None:
        for entry in content["config"].values():
            entry["tensor_meta"]["storage_offset"] = {"as_int": 10**6}

    def evaluate(content: Any) -> None:
        sizes = content["graph_module"]["graph"]["tensor_values"]["input"]["sizes"]
        sizes[0]["as_expr"]["expr_str"] = code

    def rename(content: Any) -> None:
        content["guards_code"] = [code]
        for node in content["graph_module"]["graph"]["nodes"]:
            node["name"] = f"x = {code}"

    weights = "data/weights/model_weights_config.json"
    source = GeneratorSource(3)
    harmless: list[Callable[[dict[str, bytes]], None]] = [
        lambda members: members.update({"data/sample_inputs/model.pt": pickled.getvalue()}),
        edit(evaluate),
        edit(rename),
    ]
    for change in harmless:  # content that PyTorch would unpickle, evaluate or execute is ignored
        path = modified_archive(exported["free"], tmp_path / "x.pt2", change)
        assert len(read_samples(path, SHAPE, generator=source, pixel_range="-1..1").tensor) == 3
    names = (
        "torch.os.mkdir",
        "torch.ops.aten.from_file.default",
        "torch.ops.aten.save.default",
        "torch.load",
        "",
        "math.sin",
    )
    harmful: list[Callable[[dict[str, bytes]], None]] = [
        *(edit(partial(target, name=name)) for name in names),
        edit(lambda content: content["schema_version"].update(major=9)),
        edit(lambda content: content.clear()),
        edit(pickle_weights, weights),
        edit(blow_up, weights),
        edit(reach_out, weights),
        lambda members: members.update({"data/aotinductor/model/x.so": b""}),
        lambda members: members.update({"models/model.json": b"[" * 100_000}),
        lambda members: members.update({"models/model.json": b"\xff"}),
        lambda members: members.update({weights: b"{}"}),
        lambda members: members.update({"data/weights/weight_0": b""}),
    ]
    for change in harmful:
        error_message(modified_archive(exported["free"], tmp_path / "x.pt2", change), generator=source)
    assert not harm.exists()


def test_every_allowed_operator_exists() -> None:
    for name in ATEN:
        function: Any = find_operator(f"torch.ops.aten.{name if '.' in name else f'{name}.default'}")
        assert function is not None, name
        assert not any(argument.is_out for argument in function._schema.arguments), name
    for name in ("add.out", "add", "add.default", "relu.out", "from_file.default", "eq.str"):
        assert find_operator(f"torch.ops.aten.{name}") is None, name


def test_torchscript_gives_the_samples_of_its_network(tmp_path: Path) -> None:
    expected = first_samples(small_generator())
    save_script(small_generator(), tmp_path / "scripted.pt")
    save_script(small_generator(), tmp_path / "traced.pt", torch.zeros(4, 3))
    for name in ("scripted.pt", "traced.pt"):
        source = GeneratorSource(500, (3,))
        samples = read_samples(tmp_path / name, SHAPE, generator=source, pixel_range="-1..1")
        assert close(samples.tensor, expected)
        assert samples.source == f"{name} (TorchScript), 500 × 1×4×4, range -1..1"
    assert "latents" in error_message(tmp_path / "scripted.pt", generator=GeneratorSource(5))
    assert "fails" in error_message(tmp_path / "scripted.pt", generator=GeneratorSource(5, (4,)))
    assert "is a generator" in error_message(tmp_path / "scripted.pt")
    uniform = read_samples(
        tmp_path / "scripted.pt", SHAPE, generator=GeneratorSource(500, (3,), "uniform"), pixel_range="-1..1"
    )
    assert not close(uniform.tensor, expected)


class Writes(nn.Module):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def forward(self, latents: Tensor) -> Tensor:
        torch.save(latents, self.path)
        return latents


class Two(nn.Module):
    def forward(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        return latents, latents


class Noisy(nn.Module):
    def forward(self, latents: Tensor) -> Tensor:
        return torch.tanh(latents + torch.randn_like(latents))


class Broken(nn.Module):
    def forward(self, latents: Tensor) -> Tensor:
        return latents / 0


def test_torchscript_that_writes_files_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    save_script(Writes(str(tmp_path / "harm")), path)
    source = GeneratorSource(3, (2,))
    assert "uses 'save'" in error_message(path, POINT, generator=source)

    def replace(old: str, new: str) -> Callable[[dict[str, bytes]], None]:
        def apply(members: dict[str, bytes]) -> None:
            for name in members:
                if name.endswith(".py"):
                    members[name] = members[name].replace(old.encode(), new.encode())

        return apply

    for new in (
        "ops.aten.save",
        "torch . save",
        'getattr(torch, "sa" "ve")',
        'getattr(torch, "sa\\x76e")',
        "ops.c10d.send",
        "ops.aten.from_file",
        "__torch__.torch.classes.x.y",
    ):
        error_message(modified_archive(path, tmp_path / "y.pt", replace("torch.save", new)), POINT, generator=source)
    assert not (tmp_path / "harm").exists()


def test_failing_generators_give_a_one_line_error(tmp_path: Path) -> None:
    source = GeneratorSource(3, (2,))
    save_script(Two(), tmp_path / "two.pt")
    assert "returns tuple" in error_message(tmp_path / "two.pt", POINT, generator=source)
    save_script(Broken(), tmp_path / "broken.pt")
    assert "3 of 3 samples" in error_message(tmp_path / "broken.pt", POINT, generator=source)
    save_script(Noisy(), tmp_path / "noisy.pt")
    state = torch.get_rng_state()
    first, second = (read_samples(tmp_path / "noisy.pt", POINT, generator=source).tensor for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), state)
    for invalid in (
        GeneratorSource(0, (2,)),
        GeneratorSource(10**12, (2,)),
        GeneratorSource(3, (0,)),
        GeneratorSource(3, ()),
    ):
        error_message(tmp_path / "noisy.pt", POINT, generator=invalid)
    damaged = modified_archive(
        tmp_path / "two.pt", tmp_path / "x.pt", lambda members: members.update({"data.pkl": b"\x80\x02."})
    )
    assert "can't be loaded" in error_message(damaged, POINT, generator=source)


def test_weights_of_known_architectures_are_read(tmp_path: Path) -> None:
    torch.manual_seed(3)
    network = ARCH.generator(SHAPE).eval()
    source = GeneratorSource(500, arch=ARCH, seed=2)
    path = tmp_path / "weights.safetensors"
    state = network.state_dict()
    as_artifact = {f"generator/{name}": tensor for name, tensor in state.items()}
    moments = {
        f"{name}/{moment}": tensor.clone()
        for name, tensor in as_artifact.items()
        for moment in ("exp_avg", "exp_avg_sq")
    }
    critic = {f"critic/{name}": tensor for name, tensor in ARCH.critic(SHAPE).state_dict().items()}
    for tensors in (state, as_artifact | moments | critic):
        save_file(tensors, path)
        samples = read_samples(path, SHAPE, generator=source)
        assert close(samples.tensor, first_samples(network, seed=2))
        assert samples.source == "weights.safetensors (mlp), 500 × 1×4×4, range -1..1"
    averaged = {f"averaged/{name}": tensor + 1 for name, tensor in state.items()}
    save_file(as_artifact | moments | critic | averaged, path)
    assert not close(read_samples(path, SHAPE, generator=source).tensor, first_samples(network, seed=2)), (
        "the averaged weights must be used"
    )
    save_file(state, path)
    assert "which architecture" in error_message(path, generator=GeneratorSource(5))
    assert "latents of size [3]" in error_message(path, generator=GeneratorSource(5, (4,), arch=ARCH))
    assert "not a generator of 'mlp'" in error_message(path, (1, 5, 5), generator=source)
    save_file({name: tensor for name, tensor in state.items() if name != "0.bias"}, path)
    assert "lacks '0.bias'" in error_message(path, generator=source)
    save_file({**state, "more": torch.zeros(2)}, path)
    assert "has 'more'" in error_message(path, generator=source)
    dcgan = ARCHS.create({"name": "dcgan"})
    assert "makes square images" in error_message(path, (1, 5, 5), generator=GeneratorSource(5, arch=dcgan))


# Fuzzing with random and damaged files


def valid_file(kind: str, folder: Path) -> Path:
    """Write a small valid file of this kind."""
    path = folder / f"x.{kind}"
    if kind == "npy":
        np.save(path, np.linspace(0, 1, 6).reshape(3, 2))
    elif kind == "npz":
        np.savez_compressed(path, samples=np.linspace(0, 1, 6).reshape(3, 2))
    elif kind == "safetensors":
        save_file(ARCH.generator(POINT).state_dict(), path)
    else:
        Image.fromarray(pixels(1)[0, 0]).save(path)
    return path


def read_any(path: Path) -> None:
    """Read a file; raise on anything but success or a one-line GanbenchError."""
    try:
        if path.suffix == ".png":
            read_samples(path.parent, SHAPE)
        else:
            needs_generator = path.suffix in (".safetensors", ".pt", ".pt2")
            read_samples(path, POINT, generator=GeneratorSource(2, (3,), arch=ARCH) if needs_generator else None)
    except GanbenchError as error:
        message = str(error)
    else:
        message = ""
    assert "\n" not in message


TIMES = int(os.environ.get("GANBENCH_FUZZ", "1"))
FUZZ = settings(
    max_examples=120 * TIMES,
    deadline=None,
    derandomize=TIMES == 1,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize("kind", ["npy", "npz", "safetensors", "png", "pt", "pt2"])
@FUZZ
@given(content=st.binary(max_size=200), magic=st.booleans())
def test_random_bytes_are_read_or_rejected(tmp_path: Path, kind: str, content: bytes, magic: bool) -> None:
    magic_bytes = {"npy": b"\x93NUMPY\x01\x00\x40\x00", "safetensors": b"\x40" + bytes(7), "png": b"\x89PNG\r\n\x1a\n"}
    path = tmp_path / f"x.{kind}"
    path.write_bytes((magic_bytes.get(kind, b"PK\x03\x04") if magic else b"") + content)
    read_any(path)


@pytest.mark.parametrize("kind", ["npy", "npz", "safetensors", "png"])
@FUZZ
@given(data=st.data())
def test_damaged_files_are_read_or_rejected(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    path = valid_file(kind, tmp_path)
    content = bytearray(path.read_bytes())
    # Most faults are in headers: at the beginning, and for zip files at the end.
    positions = st.one_of(
        st.integers(0, len(content) - 1), st.integers(0, 127), st.integers(len(content) - 100, len(content) - 1)
    )
    for position in data.draw(st.lists(positions, min_size=1, max_size=4)):
        content[position % len(content)] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    path.write_bytes(content)
    read_any(path)


def test_shape_with_a_truth_value_is_refused(tmp_path: Path) -> None:
    """NumPy's reader counts True as 1, and then can't make an array of such a shape."""
    head = b"{'descr': '<f4', 'fortran_order': False, 'shape': (True, 2), }".ljust(117) + b"\n"
    (tmp_path / "x.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + bytes(8))
    assert "the shape (True, 2)" in error_message(tmp_path / "x.npy", POINT)
