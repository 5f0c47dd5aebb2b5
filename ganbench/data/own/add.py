"""Adding a data set: read, check, split, train its evaluator, test it, and only then keep all of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import torch

from ganbench.core.errors import GanbenchError
from ganbench.core.own_data import NAME, Card, mode_word_of, own_data_folder
from ganbench.data.base import DATASETS
from ganbench.data.own.card_text import card_text
from ganbench.data.own.exchange import import_data, is_exported
from ganbench.data.own.folder import data_sha256, write_folder, written_whole
from ganbench.data.own.pictures import Colour
from ganbench.data.own.prepare import Prepared, prepare
from ganbench.data.own.recipe import LabelledPart, Progress, Trained, train_evaluator
from ganbench.data.own.source import open_source, open_unlabelled
from ganbench.data.own.split import EVALUATION, REFERENCE, TRAIN
from ganbench.data.own.unlabelled import prepare_clusters

MIN_RECALL = 0.6
"""Least share of a class's evaluation images that the evaluator must recognise, so that the class can be counted."""


def add_data(
    name: str,
    source: Path,
    *,
    size: int | None = None,
    colour: Colour | None = None,
    drop: Collection[str] = (),
    clusters: int | None = None,
    features: Path | None = None,
    say: Callable[[str], None] = print,
    progress: Progress = lambda what, done, parts: None,
) -> Card:
    """Add a data set under a name; until all is done, and after any error, there is nothing of it.

    Args:
        source: a folder of class sub-folders of pictures, one of pictures and a `labels.csv`, an `.npz` of images and
            labels; for clusters, a folder or `.npz` of images alone; `torchvision:NAME`, as in `read_torchvision`; or
            a folder made by `export_data`, which gives the same numbers here as where it was made.
        size: side of the images in pixels; by default that of the pictures, if all are squares of one usable size.
        colour: whether images are grey or have colour; by default, whatever the pictures are.
        drop: classes to leave out.
        clusters: number of clusters to find in images without labels, which take the place of classes.
        features: an `.npy` file with a row of numbers for each image, by which to find clusters; by default a network
            learns them. Rows have the order of the sorted paths of the pictures, or of the `.npz` file.
        say: receives a sentence about each thing that was found.

    Raises:
        GanbenchError: a name that is taken or unusable, a source that can't be read or used, or classes that the
            evaluator doesn't recognise.
    """
    _check_name(name)
    if is_exported(source):
        if size is not None or colour is not None or drop or clusters is not None or features is not None:
            raise GanbenchError(f"'{source}' was exported by ganbench: it can only be added as it is, without options")
        return import_data(name, source)
    if clusters is None and features is not None:
        raise GanbenchError("features are for finding clusters: say how many, with --clusters NUMBER")
    if clusters is not None and drop:
        raise GanbenchError("clusters have no names before they are found: leave out --drop")
    if clusters is None:
        prepared = prepare(open_source(source), size, colour, drop, progress)
    else:
        prepared = prepare_clusters(open_unlabelled(source), clusters, features, size, colour, progress)
    for note in prepared.notes:
        say(note)
    counts = [sum(each) for each in prepared.counts]
    train, reference, evaluation = (_part(prepared, part) for part in (TRAIN, REFERENCE, EVALUATION))
    word = mode_word_of(prepared.clustering)
    say(
        f"{len(prepared.labels):,} images of {len(prepared.classes)} {word} ({min(counts):,} to {max(counts):,}): "
        f"{len(train):,} for training, {len(reference):,} to compare with, {len(evaluation):,} to test the evaluator"
    )
    arrays = (prepared.images, prepared.labels, prepared.parts)
    digest = data_sha256(*arrays)
    trained = train_evaluator(train, reference, evaluation, len(prepared.classes), digest, progress)
    _check_recall(trained, prepared)
    model = _model_card(f"{name}-cnn-1", prepared, trained)
    channels, height, width = prepared.images.shape[1:]
    card = Card(
        prepared.classes,
        (channels, height, width),
        prepared.counts,
        model["name"],
        model["sha256"],
        digest,
        prepared.notes,
        prepared.clustering,
    )
    folder = own_data_folder() / name
    with written_whole(folder) as temporary:
        write_folder(temporary, card, arrays, trained.weights, model, card_text(name, card, model))
    return card


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise GanbenchError(
            f"'{name}' can't be the name of a data set: use small letters, digits, '-' and '_', at most 40, and "
            f"begin with a letter or digit"
        )
    if (own_data_folder() / name).exists():
        raise GanbenchError(f"there is already a data set '{name}': `ganbench data remove {name}` removes it")
    if name in DATASETS:
        raise GanbenchError(f"there is already a data set '{name}', which isn't your own: choose another name")


def _part(prepared: Prepared, part: int) -> LabelledPart:
    chosen = prepared.parts == part
    return LabelledPart(torch.from_numpy(prepared.images[chosen]), torch.from_numpy(prepared.labels[chosen]))


def _check_recall(trained: Trained, prepared: Prepared) -> None:
    """Refuse classes that can't be told apart: a mode would be missed or found by mistake."""
    poor, classes = [], prepared.classes
    for index, recall in enumerate(trained.recall.tolist()):
        if recall < MIN_RECALL:
            others = trained.confusion[index].clone()
            others[index] = -1
            poor.append(f"'{classes[index]}' ({recall:.0%}, often taken for '{classes[int(others.argmax())]}')")
    if poor:
        advice = (
            "be counted as modes: merge these classes, give more images, or leave classes out with --drop CLASS"
            if prepared.clustering is None
            else "be counted: ask for fewer clusters, or give more images"
        )
        raise GanbenchError(
            f"the evaluator recognises less than {MIN_RECALL:.0%} of the held-out images of {', '.join(poor)}, so they "
            f"can't {advice}"
        )


def _model_card(name: str, prepared: Prepared, trained: Trained) -> dict[str, Any]:
    return {
        "name": name,
        "version": 1,
        "sha256": trained.sha256,
        "test_accuracy": trained.accuracy,
        "calibration_error": trained.calibration_error,
        "classes": len(prepared.classes),
        "input_shape": list(prepared.images.shape[1:]),
        "input_range": [-1, 1],
        "confusion": trained.confusion.tolist(),
        **trained.facts,
    }
