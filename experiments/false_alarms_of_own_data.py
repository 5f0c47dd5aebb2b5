"""How often are real images of an own data set accused, and are planted faults named? Runs of a perfect sampler.

    .venv/bin/python experiments/false_alarms_of_own_data.py fashion 300

KIND is one of
  drawings  1,530 drawings of three shapes in two colours, 28 pixels, the fewest images that are accepted
  fashion   6,000 images of Fashion-MNIST as a folder of PNGs, ten classes
  digits    8,000 digits of MNIST, shifted, in one of four colours each, 32 pixels, forty classes

It adds the data set and trains its evaluator by the usual recipe. Samples are images that are not in it, taken at
random from a pool. A run is 20 looks at as many of them as `ganbench run` takes, and a verdict on the last. It prints
how many runs had an event, how many a verdict with a fault, the upper ends of the one-sided 95 % intervals (exact,
Clopper & Pearson 1934), and first what is said of samplers whose last five looks have a fault.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import beta

from ganbench.core.seeding import stream
from ganbench.data import DATASETS
from ganbench.data.evaluators import Features
from ganbench.data.evaluators.classifier import to_signed
from ganbench.data.fashion_mnist import FashionMnist
from ganbench.data.labelled import LabelledImages
from ganbench.data.mnist import Mnist
from ganbench.data.own.add import add_data
from ganbench.evaluation.collapse_detector import detect
from ganbench.evaluation.observation import Observation
from ganbench.evaluation.protocols import PROTOCOLS
from ganbench.evaluation.scorer import Scorer
from ganbench.spec.train_spec import EvaluationSpec

LOOKS = 20
SHAPES, COLOURS = ("cross", "ring", "square"), {"red": (1.0, 0.2, 0.2), "blue": (0.2, 0.4, 1.0)}
DIGIT_COLOURS = COLOURS | {"green": (0.1, 0.9, 0.2), "yellow": (1.0, 0.9, 0.1)}
FAULTS = ("one class lost", "one class doubled", "ten images repeated", "copies", "narrow classes")


class Pictures(NamedTuple):
    """Images, uint8 [N, H, W] or [N, H, W, 3], and the names of their classes, [N]."""

    images: NDArray[np.uint8]
    names: NDArray[np.str_]


def drawings(count: int, seed: int) -> Pictures:
    """Draw shapes, all classes in turn."""
    side, random = 28, np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    images, names = random.uniform(0, 40, (count, side, side, 3)), []
    for number, image in enumerate(images):
        shape, colour = SHAPES[number % 3], tuple(COLOURS)[number // 3 % 2]
        down, right = (abs(axis - random.uniform(10, 18)) for axis in (rows, columns))
        size = random.uniform(5, 9)
        inside = np.maximum(down, right) < size
        pixels = {
            "cross": inside & (np.minimum(down, right) < 2),
            "ring": abs(np.hypot(down, right) - size) < 2,
            "square": inside,
        }[shape]
        image[pixels] = random.uniform(180, 255) * np.array(COLOURS[colour])
        names.append(f"{colour} {shape}")
    return Pictures(images.astype(np.uint8), np.array(names))


def digits(real: Pictures, seed: int) -> Pictures:
    """Shift digits by up to two pixels, and give each one of four colours and some noise."""
    random = np.random.default_rng(seed)
    images = random.uniform(0, 20, (len(real.images), 32, 32, 1)).repeat(3, axis=3)
    colours = random.choice(tuple(DIGIT_COLOURS), len(real.images))
    for image, digit, colour in zip(images, real.images, colours, strict=True):
        down, right = random.integers(0, 5, 2)
        image[down : down + 28, right : right + 28] += (
            digit[..., None] * random.uniform(0.8, 1) * np.array(DIGIT_COLOURS[colour])
        )
    names = np.array([f"{colour} {name}" for colour, name in zip(colours, real.names, strict=True)])
    return Pictures(images.clip(0, 255).astype(np.uint8), names)


def training_images(data: LabelledImages, first: int, count: int) -> Pictures:
    """Return some of the training images of MNIST or Fashion-MNIST."""
    part = slice(first, first + count)
    names = np.array([data.mode_names[label].replace("/", " ") for label in data.train_labels[part].tolist()])
    return Pictures(data.train[part, 0].numpy(), names)


def pictures(kind: str) -> tuple[Pictures, Pictures]:
    """Make the images of a data set, and a pool of others."""
    if kind == "drawings":
        return drawings(1_530, 0), drawings(10_000, 1_000)
    cpu = torch.device("cpu")
    if kind == "fashion":
        fashion = FashionMnist().load(cpu)
        return training_images(fashion, 0, 6_000), training_images(fashion, 6_000, 40_000)
    if kind == "digits":
        mnist = Mnist().load(cpu)
        return digits(training_images(mnist, 0, 8_000), 0), digits(training_images(mnist, 8_000, 40_000), 1)
    raise SystemExit(f"no kind of data is called {kind!r}; drawings, fashion and digits are")


def written(some: Pictures, folder: Path, as_folder: bool) -> Path:
    """Write the images as an archive, or as PNGs in a folder for each class."""
    if not as_folder:
        np.savez(folder / "images.npz", images=some.images, labels=some.names)
        return folder / "images.npz"
    for number, (image, name) in enumerate(zip(some.images, some.names, strict=True)):
        (folder / "images" / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / "images" / name / f"{number}.png")
    return folder / "images"


def alike(some: Pictures, count: int) -> NDArray[np.int64]:
    """Find so many images, or a few more: of each class, the same share of those that are most like its first one."""
    kept = []
    for name in sorted(set(some.names)):
        rows = np.flatnonzero(some.names == name)
        flat = some.images[rows].reshape(len(rows), -1).astype(float)
        kept.append(rows[((flat - flat[0]) ** 2).sum(1).argsort()[: -(-len(rows) * count // len(some.names))]])
    return np.concatenate(kept)


class Examined:
    """An own data set, its scorer, and the features of images that are in it and of others."""

    def __init__(self, kind: str, folder: Path) -> None:
        own, others = pictures(kind)
        os.environ["GANBENCH_DATA"] = str(folder)
        add_data(kind, written(own, folder, as_folder=kind == "fashion"), say=lambda line: None)
        dataset = DATASETS[kind]()
        data = dataset.load(torch.device("cpu"))
        self.modes, self.names = data.mode_names, others.names
        self.share = float(data.weights[1])  # of the class that is lost or doubled
        self.samples = dataset.scorable(EvaluationSpec.quick_samples)
        self.alike = torch.from_numpy(alike(others, self.samples))
        self.scorer = Scorer.with_disk_cache(PROTOCOLS.create({"name": "ganbench-2"}).case(dataset), dataset, data)
        self.noise = self.scorer.beside_real.baseline(self.samples)
        self.own, self.real = (self.scorer.evaluator(to_signed(channels_first(some.images))) for some in (own, others))

    def looked_at(self, fault: str | None, number: int) -> Features:
        """Return the features of the samples at a look, real ones or with a fault."""
        random = stream(number, "planted")
        if fault == "copies":
            return self.own.select(torch.randperm(len(self.own), generator=random)[: self.samples])
        if fault == "ten images repeated":
            return self.real.select(torch.randint(10, (self.samples,), generator=random))
        if fault == "narrow classes":
            return self.real.select(self.alike[torch.randperm(len(self.alike), generator=random)][: self.samples])
        rows = torch.randperm(len(self.real), generator=random)
        chosen = torch.from_numpy(self.names == self.modes[1])[rows]
        if fault == "one class lost":
            rows = rows[~chosen]
        if fault == "one class doubled":  # each other class keeps its share of the rest
            doubled = round(self.samples * 2 * self.share / (1 + self.share))
            rows = torch.cat([rows[chosen][:doubled], rows[~chosen][: self.samples - doubled]])
        return self.real.select(rows[: self.samples])

    def examine(self, fault: str | None, run: int) -> tuple[list[str], list[str]]:
        """Watch a run whose last five looks have a fault, or none.

        Returns:
            the kinds of its events, and the faults that the verdict on its last samples names.
        """
        looks = []
        for look in range(LOOKS):
            features = self.looked_at(fault if look >= LOOKS * 3 // 4 else None, run * LOOKS + look)
            looks.append(Observation(look + 1, self.scorer.beside_real.summary(features)))
        events = detect(looks, self.noise, LOOKS, self.modes)
        for event in events if fault is None else []:
            print(f"run {run}, look {event.step}: {event.kind}: {event.words}", flush=True)
        return sorted({event.kind for event in events}), sorted(self.scorer.beside_real.verdict(features).faults)


def channels_first(images: NDArray[np.uint8]) -> torch.Tensor:
    """Turn images [N, H, W] or [N, H, W, 3] into [N, C, H, W]."""
    pixels = torch.from_numpy(images)
    return pixels[:, None] if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2)


def main(kind: str, runs: int) -> None:
    began = time.monotonic()
    alarms = doubts = 0
    with tempfile.TemporaryDirectory() as folder:
        examined = Examined(kind, Path(folder))
        print(f"{kind}: {examined.samples} samples a look, {time.monotonic() - began:.0f} s", flush=True)
        for fault in FAULTS:
            events, faults = examined.examine(fault, 0)
            print(f"{fault}: events {', '.join(events)}; verdict {', '.join(faults)}", flush=True)
        for run in range(runs):
            events, faults = examined.examine(None, run)
            alarms, doubts = alarms + bool(events), doubts + bool(faults)
            if faults:
                print(f"run {run}: verdict {', '.join(faults)}", flush=True)
    for what, count in (("an event", alarms), ("a verdict with a fault", doubts)):
        upper = beta.ppf(0.95, count + 1, runs - count) if count < runs else 1.0
        print(f"{count} of {runs} runs of {LOOKS} looks had {what}; the rate is below {upper:.2%} (95 %)")
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
