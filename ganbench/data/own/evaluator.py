"""The evaluator of an own data set, read from the folder of the data set."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError

from ganbench.core.errors import GanbenchError
from ganbench.core.own_data import Card
from ganbench.data.evaluators.classifier import FrozenClassifier, ImageEvaluator
from ganbench.data.own.network import OwnCNN


def read_evaluator(folder: Path, card: Card, device: torch.device) -> ImageEvaluator:
    """Read the evaluator that a card names.

    Raises:
        GanbenchError: its weights or its model card are missing, damaged, or not those of the card.
    """
    classes = len(card.classes)
    network = FrozenClassifier(classes, OwnCNN(card.shape, classes))
    try:
        evaluator = ImageEvaluator(card.evaluator, device, network, folder)
    except torch.OutOfMemoryError:  # of the device: nothing is wrong with the files
        raise
    except (OSError, ValueError, TypeError, LookupError, RuntimeError, GanbenchError, SafetensorError) as error:
        raise GanbenchError(_damaged(folder)) from error
    if evaluator.sha256 != card.evaluator_sha256:
        raise GanbenchError(_damaged(folder))
    return evaluator


def _damaged(folder: Path) -> str:
    return f"the evaluator in '{folder}' is missing, damaged or another: remove the data set and add it again"
