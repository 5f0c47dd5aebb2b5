"""Own data sets for other machines: exported as a folder, and added from it after everything in it was verified."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from ganbench.core.errors import GanbenchError
from ganbench.core.own_data import CARD, Card, own_data_folder, read_own_card
from ganbench.data.own.card_text import card_text
from ganbench.data.own.croissant import CROISSANT, croissant
from ganbench.data.own.evaluator import read_evaluator
from ganbench.data.own.folder import DATA, Arrays, existing_folder, read_images, write_folder, written_whole


def is_exported(source: Path) -> bool:
    """Return whether a folder was made by `export_data`."""
    return (source / CARD).is_file() and (source / DATA).is_file()


def export_data(name: str, folder: Path) -> None:
    """Write a data set with its evaluator into a new folder, from which it can be added elsewhere.

    Beside them is a `croissant.json`, by which other programs know what is in the folder.

    Raises:
        GanbenchError: there is no such data set, it is damaged, or the folder exists or can't be written.
    """
    if folder.exists():
        raise GanbenchError(f"'{folder}' exists already: name a new folder")
    content = _verified(name, existing_folder(name))
    with written_whole(folder) as temporary:
        write_folder(temporary, *content)
        (temporary / CROISSANT).write_text(croissant(name, content[0], temporary) + "\n", encoding="utf-8")


def import_data(name: str, source: Path) -> Card:
    """Add a data set from a folder that `export_data` made, with the evaluator in it.

    Raises:
        GanbenchError: anything in the folder is missing, or isn't what its card says.
    """
    content = _verified(name, source)
    with written_whole(own_data_folder() / name) as temporary:
        write_folder(temporary, *content)
    return content[0]


def _verified(name: str, source: Path) -> tuple[Card, Arrays, bytes, dict[str, Any], str]:
    """Read what `write_folder` writes: what was understood, and nothing else that the folder may have."""
    card = read_own_card(source)
    arrays = read_images(source, card)
    weights = source / f"{card.evaluator}.safetensors"
    try:
        read_evaluator(source, card, torch.device("cpu"))(torch.zeros(1, *card.shape))
        content = weights.read_bytes()
        model = json.loads(weights.with_suffix(".json").read_bytes())
        if model["classes"] != len(card.classes):
            raise ValueError("another evaluator")
        text = card_text(name, card, model)
    except (OSError, ValueError, TypeError, LookupError, ArithmeticError, GanbenchError) as error:
        raise GanbenchError(f"the evaluator in '{source}' is missing or damaged: export the data set again") from error
    return card, arrays, content, model, text
