"""How often are real images of an own data set accused, and are planted faults named? Runs of a perfect sampler.

    .venv/bin/python experiments/false_alarms_of_own_data.py 3 100

It adds so many data sets, each of 1,530 drawings of three shapes in two colours, the fewest images that are accepted,
and trains their evaluators by the usual recipe. Samples are drawings that are in no data set, taken at random from a
pool. A run is 20 looks at as many of them as `ganbench run` takes, and a verdict on the last. It prints how many runs
had an event, how many a verdict with a fault, the upper ends of the one-sided 95 % intervals (exact, Clopper & Pearson
1934), and what is said of a sampler that has lost a class and of one that repeats ten images.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import beta

from ganbench.core.seeding import stream
from ganbench.data import DATASETS
from ganbench.data.evaluators.classifier import to_signed
from ganbench.data.own.add import add_data
from ganbench.evaluation.collapse_detector import detect
from ganbench.evaluation.observation import Observation
from ganbench.evaluation.protocols import PROTOCOLS
from ganbench.evaluation.scorer import Scorer
from ganbench.spec.train_spec import EvaluationSpec

LOOKS, IMAGES, POOL, SIDE = 20, 1_530, 10_000, 28
SHAPES, COLOURS = ("cross", "ring", "square"), {"red": (1.0, 0.2, 0.2), "blue": (0.2, 0.4, 1.0)}


def draw(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
    """Draw images, uint8 [N, 28, 28, 3], of all classes in turn, and the names of their classes, [N]."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    images, names = random.uniform(0, 40, (count, SIDE, SIDE, 3)), []
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
    return images.astype(np.uint8), np.array(names)


class Shapes:
    """An own data set, its scorer, and the features of drawings that are not in it."""

    def __init__(self, seed: int, folder: Path) -> None:
        name = f"shapes-{seed}"
        images, labels = draw(IMAGES, seed)
        np.savez(folder / f"{name}.npz", images=images, labels=labels)
        add_data(name, folder / f"{name}.npz", say=lambda line: None)
        dataset = DATASETS[name]()
        data = dataset.load(torch.device("cpu"))
        self.modes = data.mode_names
        self.samples = dataset.scorable(EvaluationSpec.quick_samples)
        self.scorer = Scorer.with_disk_cache(PROTOCOLS.create({"name": "ganbench-2"}).case(dataset), dataset, data)
        self.noise = self.scorer.beside_real.baseline(self.samples)
        others, self.classes = draw(POOL, 1_000 + seed)
        self.real = self.scorer.evaluator(to_signed(torch.from_numpy(others).permute(0, 3, 1, 2)))

    def examine(self, kind: str, run: int) -> tuple[list[str], list[str]]:
        """The kinds of the events of a run of real images, or of one that has a fault in its last quarter, and the
        faults that the verdict names.
        """
        looks, features = [], self.real
        for look in range(LOOKS):
            random = stream(run * LOOKS + look, "planted")
            rows = torch.randperm(POOL, generator=random)
            if look >= LOOKS * 3 // 4 and kind == "one class lost":
                rows = rows[torch.from_numpy(self.classes != self.classes[run % 6])[rows]]
            if look >= LOOKS * 3 // 4 and kind == "ten images repeated":
                rows = rows[torch.randint(10, (self.samples,), generator=random)]
            features = self.real.select(rows[: self.samples])
            looks.append(Observation(look + 1, self.scorer.beside_real.summary(features)))
        events = detect(looks, self.noise, LOOKS, self.modes)
        verdict = self.scorer.beside_real.verdict(features)
        for event in events if kind == "real" else []:
            print(f"run {run}, look {event.step}: {event.kind}: {event.words}", flush=True)
        return sorted({event.kind for event in events}), sorted(verdict.faults)


def main(datasets: int, runs: int) -> None:
    began = time.monotonic()
    alarms = doubts = 0
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GANBENCH_DATA"] = folder
        for seed in range(datasets):
            shapes = Shapes(seed, Path(folder))
            print(f"data set {seed}: {shapes.samples} samples a look, {time.monotonic() - began:.0f} s", flush=True)
            for kind in ("one class lost", "ten images repeated"):
                events, faults = shapes.examine(kind, seed)
                print(f"{kind}: events {', '.join(events)}; verdict {', '.join(faults)}", flush=True)
            for run in range(runs):
                events, faults = shapes.examine("real", run)
                alarms, doubts = alarms + bool(events), doubts + bool(faults)
                if faults:
                    print(f"run {run}: verdict {', '.join(faults)}", flush=True)
    total = datasets * runs
    for what, count in (("an event", alarms), ("a verdict with a fault", doubts)):
        upper = beta.ppf(0.95, count + 1, total - count) if count < total else 1.0
        print(f"{count} of {total} runs of {LOOKS} looks had {what}; the rate is below {upper:.2%} (95 %)")
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
