"""Means of training statistics, across an interruption."""

from __future__ import annotations

import torch

from ganbench.runs.mean_statistics import MeanStatistics


def test_sums_of_an_earlier_versions_checkpoint_are_continued() -> None:
    """Its names had hyphens."""
    means = MeanStatistics({"critic-real": [3.0, 6.0]}, 3)
    means.add({"critic_real": torch.tensor([1.0, 2.0])})
    assert means.take() == {"critic_real": [1.0, 2.0]}
