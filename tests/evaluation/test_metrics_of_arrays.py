"""Metrics as functions of bare arrays: equal to the suite's, and refusing what means nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import ganbench
from ganbench import metrics
from ganbench.core.errors import GanbenchError
from ganbench.data import DATASETS
from ganbench.evaluation.metrics import METRICS
from ganbench.evaluation.protocols import PROTOCOLS
from ganbench.evaluation.scorer import Scorer

pytestmark = pytest.mark.usefixtures("one_thread")

OF_SETS = (
    "clipped_coverage",
    "clipped_density",
    "coverage",
    "density",
    "fid",
    "kid",
    "ndb",
    "near_duplicates",
    "precision",
    "recall",
    "retrieval",
)
OF_LABELS = ("jsd", "kl", "kl_corrected", "modes_strict")
"""Names of functions of labels that give one number."""


def vectors(count: int, seed: int, width: int = 4) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)
