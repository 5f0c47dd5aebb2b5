"""Unusual, broken and hostile sources of own data: read rightly, or refused in one line with nothing written."""

from __future__ import annotations

import csv
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from ganbench.cli.main import main
from ganbench.core.errors import GanbenchError
from ganbench.core.own_data import own_data_folder
from ganbench.data.own import prepare as preparation
from ganbench.data.own.pictures import Colour
from ganbench.data.own.prepare import Prepared, prepare
from ganbench.data.own.source import open_source
from tests.data.own.pictures_of_shapes import shapes, write_folder_of_shapes

SIDE = 28


@pytest.fixture
def few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "MIN_TRAIN", 10)
    monkeypatch.setattr(preparation, "MIN_PART", 0)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_folder_of_shapes(tmp_path / "source", 60)
    return tmp_path / "source"


def read(source: Path, size: int | None = None, colour: Colour | None = None, *drop: str) -> Prepared:
    return prepare(open_source(source), size, colour, drop, lambda *_: None)


def blank(mode: str = "L", size: tuple[int, int] = (SIDE, SIDE)) -> Image.Image:
    return Image.new(mode, size)


def truncated(path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (SIDE, SIDE), np.uint8)).save(path.with_suffix(".jpg"))
    content = path.with_suffix(".jpg").read_bytes()
    path.with_suffix(".jpg").write_bytes(content[: len(content) // 2])


def linked_out(path: Path) -> None:
    outside = path.parents[2] / "outside.png"
    blank().save(outside)
    path.symlink_to(outside)


def announced(path: Path) -> None:
    """Write a PNG whose header announces 50,000×50,000 pixels."""
    blank("1").save(path)
    content = bytearray(path.read_bytes())
    content[16:24] = struct.pack(">II", 50_000, 50_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    path.write_bytes(content)


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (truncated, "is truncated or altered"),
    "text": (lambda path: path.write_text("no picture"), "is not a PNG file"),
    "gif": (lambda path: blank().save(path, format="GIF"), "is not a PNG file"),
    "bomb": (announced, "pixels: make it smaller"),
    "wide": (lambda path: blank(size=(50_000, 1)).save(path), "is 50000×1 pixels: choose the size"),
    "another size": (lambda path: blank(size=(30, 30)).save(path), "is 30×30 pixels: choose the size of all images"),
    "link": (linked_out, "is a link that leads out of"),
    "broken link": (lambda path: path.symlink_to(path.with_name("nothing.png")), "broken link"),
    "float": (lambda path: blank("F").save(path, format="TIFF"), "is not a PNG file"),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.usefixtures("few_are_enough")
def test_one_bad_picture_is_one_line_and_nothing_is_written(
    kind: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil, message = BAD[kind]
    spoil(source / "ring" / "bad.png")
    monkeypatch.setenv("GANBENCH_DATA", str(tmp_path / "data"))
    result = CliRunner().invoke(main, ["data", "add", "mine", str(source)])
    assert result.exit_code == 2
    (line,) = result.output.splitlines()
    assert line.startswith("Error: ")
    assert message in line
    assert not own_data_folder().exists()


def few(source: Path) -> None:
    for path in sorted((source / "ring").iterdir())[2:]:
        path.unlink()


def only_one_class(source: Path) -> None:
    for name in ("ring", "cross"):
        for path in (source / name).iterdir():
            path.unlink()


@pytest.mark.parametrize(
    ("change", "words", "message"),
    [
        (few, [], "too few images, without duplicates, in 'cross' (20), 'ring' (2), 'square' (20)"),
        (only_one_class, [], "there is only the class 'square': at least two"),
        (lambda source: None, ["--drop", "rings"], "there is no class 'rings' to drop: did you mean 'ring'?"),
        (lambda source: None, ["--size", "30"], "the size must be a multiple of 4 from 28 to 128 pixels, not 30"),
        (lambda source: (source / "ring").rename(source / "a(b)"), [], "the class 'a(b)' can't be tracked"),
        (lambda source: (source / "ring").rename(source / "a\nb"), [], "the class 'a b' can't be tracked"),
    ],
)
def test_unusable_source_is_refused(
    change: Callable[[Path], object], words: list[str], message: str, source: Path, tmp_path: Path
) -> None:
    change(source)
    result = CliRunner().invoke(
        main, ["data", "add", "mine", str(source), *words], env={"GANBENCH_DATA": str(tmp_path)}
    )
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert message in result.output


@pytest.mark.parametrize("name", ["mnist", "Mine", "../mine", "a b", ""])
def test_unusable_name_is_refused(name: str, source: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["data", "add", "--", name, str(source)], env={"GANBENCH_DATA": str(tmp_path)})
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "there is already a data set 'mnist'" in result.output or "can't be the name" in result.output


def test_too_few_training_images_are_refused(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "MIN_PART", 0)
    with pytest.raises(GanbenchError, match=r"of 60 images are for training: at least 1,000 .* \(about 1,430 in all\)"):
        read(source)


@pytest.mark.parametrize(
    ("mode", "fill", "expected", "note"),
    [
        ("CMYK", (0, 255, 255, 0), (255, 0, 0), "CMYK"),
        ("I;16", 514, (2, 2, 2), "16 bits"),
        ("RGBA", (0, 0, 255, 0), (255, 255, 255), "transparency laid on white"),
        ("P", 3, (3, 3, 3), "palette"),
        ("1", 1, (255, 255, 255), ""),
    ],
)
@pytest.mark.usefixtures("few_are_enough")
def test_unusual_modes_are_converted_and_said(
    mode: str, fill: int, expected: tuple[int, int, int], note: str, source: Path
) -> None:
    image = Image.new(mode, (SIDE, SIDE), fill)
    if mode == "P":
        image.putpalette([value for value in range(256) for _ in range(3)])
    image.save(source / "ring" / ("new.jpg" if mode == "CMYK" else "new.png"))
    prepared = read(source, colour="rgb")
    assert (abs(prepared.images - np.array(expected)[:, None, None]).max(axis=(1, 2, 3)) <= 2).sum() == 1
    assert any(note in said for said in prepared.notes) or not note


@pytest.mark.usefixtures("few_are_enough")
def test_colour_is_found_and_sizes_are_scaled_with_their_proportions(source: Path) -> None:
    assert read(source).images.shape == (60, 1, SIDE, SIDE)
    wide = Image.new("RGB", (96, 64), "red")
    wide.paste("blue", (0, 0, 8, 64))  # cropped
    wide.save(source / "ring" / "wide.webp", lossless=True)
    prepared = read(source, 32)
    assert prepared.images.shape == (61, 3, 32, 32)
    red = np.array([255, 0, 0])[:, None, None]
    assert (prepared.images == red).all(axis=(1, 2, 3)).sum() == 1
    assert "61 images scaled to 32×32 (Lanczos), the longer side cropped at its centre" in prepared.notes
    assert "60 grey images among coloured ones" in prepared.notes
    grey = read(source, 32, "grey")
    assert grey.images.shape == (61, 1, 32, 32)
    assert "1 coloured images converted to grey (ITU-R 601)" in grey.notes


@pytest.mark.usefixtures("few_are_enough")
def test_duplicates_are_kept_once_and_none_that_have_two_classes(source: Path) -> None:
    first, second = sorted((source / "ring").iterdir())[:2]
    (source / "ring" / "again.png").write_bytes(first.read_bytes())
    (source / "cross" / "disputed.png").write_bytes(second.read_bytes())
    prepared = read(source)
    assert len(prepared.images) == len(np.unique(prepared.images, axis=0)) == 59
    assert prepared.notes == ("2 exact duplicates left out", "1 images left out that are in several classes")


@pytest.mark.usefixtures("few_are_enough")
def test_names_with_spaces_and_other_scripts_and_dropped_classes(source: Path) -> None:
    (source / "ring").rename(source / "빨간 고리")
    (source / "notes.txt").touch()
    prepared = read(source, None, None, "square")
    assert prepared.classes == ("cross", "빨간 고리")
    assert prepared.notes == ("1 other files or folders ignored", "classes left out: square")
    assert np.bincount(prepared.labels).tolist() == [20, 20]


@pytest.mark.usefixtures("few_are_enough")
def test_folder_with_a_table_and_arrays_give_the_same_data_as_sub_folders(source: Path, tmp_path: Path) -> None:
    expected = read(source)
    images, labels = shapes(60)
    classes = np.array(expected.classes)
    for name, given in (("grey", images), ("last", images[..., None]), ("first", images[:, None])):
        np.savez_compressed(tmp_path / f"{name}.npz", images=given, labels=classes[labels])
        assert (read(tmp_path / f"{name}.npz").images == expected.images).all()
    for number, path in enumerate(sorted(source.rglob("*.png"))):
        label = path.parent.name
        path.rename(source / f"{number}.png")
        with (source / "labels.csv").open("a", newline="") as file:
            csv.writer(file).writerows([["file", "label"]] * (number == 0) + [[f"{number}.png", label]])
    again = read(source)
    assert (again.images == expected.images).all()
    assert (again.labels == expected.labels).all()
    assert again.classes == expected.classes


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("name,class\n", "must begin with the line file,label"),
        ("file,label\n", "names no pictures"),
        ("file,label\na.png,x\na.png,x\n", "line 3: 'a.png' is named twice"),
        ("file,label\nb.png,x\n", "line 2: 'b.png' is not there"),
        ("file,label\n../a.png,x\n", "line 2: '../a.png' is not in the folder"),
        ("file,label\na.png\n", "line 2: 'a.png' has no label"),
        ("file,label\nlabels.csv,x\n", "is no PNG, JPEG or WebP file"),
        ("file,label\n\udcff,x\n", "can't be read"),
    ],
)
def test_bad_table_is_refused(table: str, message: str, tmp_path: Path) -> None:
    blank().save(tmp_path / "a.png")
    (tmp_path / "labels.csv").write_bytes(table.encode("utf-8", "surrogateescape"))
    with pytest.raises(GanbenchError, match=message):
        open_source(tmp_path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": np.zeros((4, 28, 28), np.uint8)}, "has no array 'labels'"),
        ({"images": np.zeros((4, 28, 28)), "labels": np.arange(4)}, "must be uint8"),
        ({"images": np.zeros((4, 28, 28), np.uint8), "labels": np.arange(3)}, "4 images, but 3 labels"),
        ({"images": np.zeros((4, 28, 28), np.uint8), "labels": np.ones(4)}, "whole number or word"),
        ({"images": np.zeros((4, 2, 28, 28), np.uint8), "labels": np.arange(4)}, r"not \[4, 2, 28, 28\]"),
        ({"images": np.array([{}]), "labels": np.arange(1)}, "Python objects, which are never read"),
    ],
)
def test_bad_arrays_are_refused(arrays: dict[str, np.ndarray], message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "source.npz", allow_pickle=True, **arrays)
    with pytest.raises(GanbenchError, match=message):
        open_source(tmp_path / "source.npz")


def test_broken_archive_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "source.npz", images=np.zeros((4, 28, 28), np.uint8), labels=np.arange(4))
    content = (tmp_path / "source.npz").read_bytes()
    for name, spoiled in (("half", content[: len(content) // 2]), ("flipped", content[:200] + b"x" + content[201:])):
        (tmp_path / f"{name}.npz").write_bytes(spoiled)
        with pytest.raises(GanbenchError, match=r"truncated or altered"):
            open_source(tmp_path / f"{name}.npz")
