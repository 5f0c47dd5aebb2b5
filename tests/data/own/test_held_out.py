"""An evaluator trained on few images is surer of them than of others: real samples are judged by the others."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ganbench.data.evaluators import Features
from ganbench.data.evaluators.classifier import to_bytes, to_signed
from ganbench.data.labelled import LabelledImages
from ganbench.data.mnist import Mnist
from ganbench.data.own.dataset import OwnImages
from ganbench.data.own.split import EVALUATION, REFERENCE, TRAIN
from ganbench.evaluation.beside_real import BesideReal
from ganbench.evaluation.cache import DiskCache
from ganbench.evaluation.protocols import Rule
from ganbench.evaluation.real_features import RealFeatures

KNOWN, OTHERS, SAMPLES, UNSURE = 600, 400, 300, 3
RULE = Rule("l2", 3.0, confidence=0.9)


class MemoryEvaluator:
    """Sure of the images that it remembers, and unsure of every third one of all others."""

    name, sha256 = "memory", "0"

    def __init__(self, remembered: Tensor) -> None:
        self._remembered = {image.numpy().tobytes() for image in remembered}

    def __call__(self, samples: Tensor) -> Features:
        images = to_bytes(samples)
        sure = [
            image.numpy().tobytes() in self._remembered or int(image.sum()) % UNSURE > 0 for image in images.flatten(1)
        ]
        confidence = torch.tensor(sure).float()
        labels = images[:, 0, 0, 0].long() % 2
        return Features(
            samples=images,
            embedding=images.flatten(1).float(),
            labels=labels,
            modes=2,
            deviation=torch.zeros(len(images), 1),
            good=torch.ones_like(labels, dtype=torch.bool),
            probabilities=None,
            confidence=confidence,
        )


def images(count: int, seed: int) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 1, 4, 4), generator=random, dtype=torch.uint8)


def beside(data: LabelledImages, kept: Path) -> BesideReal:
    evaluator = MemoryEvaluator(data.train.flatten(1))
    return BesideReal(RealFeatures(Mnist(), data, evaluator, DiskCache(kept)), RULE)


def test_unseen_images_are_as_sharp_as_real_ones(tmp_path: Path) -> None:
    all_images = images(KNOWN + OTHERS, 0)
    parts = torch.tensor([TRAIN] * KNOWN + [REFERENCE, EVALUATION] * (OTHERS // 2))
    data = OwnImages(all_images, torch.arange(KNOWN + OTHERS) % 2, parts, ("even", "odd"))
    fresh = MemoryEvaluator(data.train.flatten(1))(to_signed(images(SAMPLES, 1)))
    # Beside draws of training images, which it remembers, they are not sharp.
    seen = beside(LabelledImages(data.train, data.train_labels, data.test, data.test_labels, data.mode_names), tmp_path)
    assert seen.baseline(SAMPLES).good == (1, 0)
    assert "not sharp" in seen.verdict(fresh).faults
    # What an earlier version kept of the same data set is not taken for these numbers.
    real = beside(data, tmp_path)
    share, deviation = real.baseline(SAMPLES).good
    held_out = all_images[KNOWN:].flatten(1)
    assert share == pytest.approx(float((held_out.sum(1) % UNSURE > 0).double().mean()))
    assert deviation == pytest.approx(math.sqrt(share * (1 - share) * (1 / SAMPLES + 1 / OTHERS)))
    assert "not sharp" not in real.verdict(fresh).faults


def test_shares_of_few_images_are_known_by_as_much(tmp_path: Path) -> None:
    """A perfect sampler of the population, not of the data set, isn't uneven: 55 and 45 % are chance in 150 images."""
    few = images(150 + OTHERS, 2)
    few[:, 0, 0, 0] = torch.tensor([0] * 83 + [1] * 67 + [0, 1] * (OTHERS // 2))
    parts = torch.tensor([TRAIN] * 150 + [REFERENCE, EVALUATION] * (OTHERS // 2))
    data = OwnImages(few, few[:, 0, 0, 0].long(), parts, ("even", "odd"))
    fair = images(2_000, 3)
    fair[:, 0, 0, 0] = torch.arange(2_000) % 2
    evaluator = MemoryEvaluator(data.train.flatten(1))
    verdict = beside(data, tmp_path).verdict(evaluator(to_signed(fair)))
    # ½ · √(2/π) · Σ √(p (1 − p) / N), of the images and of the samples.
    by_chance = [2 * math.sqrt(0.25 / count / (2 * math.pi)) for count in (150, 2_000)]
    assert verdict.misplaced is not None
    assert verdict.misplaced.real == pytest.approx(math.hypot(*by_chance), rel=0.2)
    assert verdict.misplaced.value == pytest.approx(83 / 150 - 0.5, abs=1e-6)
    assert "uneven" not in verdict.faults
    fair[:, 0, 0, 0] = (torch.arange(2_000) % 5 > 0).to(torch.uint8)
    assert "uneven" in beside(data, tmp_path).verdict(evaluator(to_signed(fair))).faults
