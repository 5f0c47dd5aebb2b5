"""Images without labels: read, checked and split as others are, then grouped into clusters in place of classes."""

from __future__ import annotations

import statistics
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ganbench.core.errors import GanbenchError
from ganbench.core.own_data import Clustering
from ganbench.data.own.arrays import read_npy
from ganbench.data.own.clusters import Floats, find_clusters
from ganbench.data.own.contrastive import learn_features
from ganbench.data.own.pictures import Colour
from ganbench.data.own.prepare import (
    MIN_PART,
    Prepared,
    check_size,
    check_training,
    few_images,
    least_of_class,
    read_pixels,
    without_copies,
)
from ganbench.data.own.recipe import Progress
from ganbench.data.own.source import Source
from ganbench.data.own.split import TRAIN

MIN_STABILITY = 0.8
"""Least adjusted Rand index of the clusters and those of resampled images, the median over resamples."""
MAX_CLUSTERS = 100
LARGEST = 1e15
"""Squared distances of larger features could be infinite in single precision."""


def prepare_clusters(
    source: Source, count: int, given: Path | None, size: int | None, colour: Colour | None, progress: Progress
) -> Prepared:
    """Read and check pictures without labels, and find clusters of them.

    Args:
        count: number of clusters.
        given: an `.npy` file with the features of all pictures; by default a network learns some.
        size, colour: as in `prepare`.

    Raises:
        GanbenchError: pictures that can't be read, too few for so many clusters, unusable features, or clusters that
            are not stable.
    """
    if not 2 <= count <= MAX_CLUSTERS:
        raise GanbenchError(f"the number of clusters must be from 2 to {MAX_CLUSTERS}, not {count:,}")
    check_size(size)
    features = None if given is None else read_features(given, len(source))
    pixels, notes = read_pixels(source, list(range(len(source))), size, colour, progress)
    rows, parts, said = without_copies(pixels, np.zeros(len(pixels), np.int64))
    check_training(parts)
    if len(rows) < count * least_of_class():
        raise GanbenchError(
            f"{len(rows):,} images are too few for {count} clusters of about {least_of_class()} each: ask for at most "
            f"{len(rows) // least_of_class()}"
        )
    images, train = pixels[rows], parts == TRAIN
    if features is None:
        learned = learn_features(torch.from_numpy(images), torch.from_numpy(train), progress)
        embedding, origin = learned.double().numpy(), "features that a network learned from the images without labels"
    else:
        embedding, origin = features[rows], f"given features, {features.shape[1]:,} numbers for each image"
    labels, clustering = _stable_clusters(embedding, train, count, origin, progress)
    names = tuple(f"cluster {number + 1}" for number in range(count))
    prepared = Prepared(images, labels, parts, names, (*source.notes, *notes, *said), clustering)
    few = few_images(prepared)
    if few:
        raise GanbenchError(
            f"too few images in {few}: each cluster needs {MIN_PART} in each part, about {least_of_class()} in all, so "
            f"ask for fewer clusters, or give other features"
        )
    return prepared


def read_features(path: Path, images: int) -> Floats:
    """Read features of images, a row for each, from an `.npy` file: float64 [N, d].

    Raises:
        GanbenchError: it can't be read, has another shape, or has numbers that aren't finite or are too large.
    """
    features = read_npy(path)
    if features.dtype.kind not in "fiu" or features.ndim != 2 or 0 in features.shape:
        raise GanbenchError(
            f"'{path}' must have numbers of shape [N, d], a row for each image, not {features.dtype} "
            f"{list(features.shape)}"
        )
    if len(features) != images:
        raise GanbenchError(f"'{path}' has {len(features):,} rows, but there are {images:,} images")
    wrong = ~(np.abs(features.astype(np.float64)) < LARGEST).all(axis=1)
    if wrong.any():
        raise GanbenchError(
            f"'{path}' has numbers that are not finite, or above {LARGEST:g}, in row {int(wrong.argmax())} (from 0)"
        )
    return features.astype(np.float64)


def _stable_clusters(
    features: Floats, train: npt.NDArray[np.bool_], count: int, origin: str, progress: Progress
) -> tuple[npt.NDArray[np.int64], Clustering]:
    distinct = len(np.unique(features[train], axis=0))
    if distinct < count:
        raise GanbenchError(f"there are only {distinct:,} different features, too few for {count} clusters")
    clusters = find_clusters(features, train, count, progress)
    stability, lowest = statistics.median(clusters.agreement), min(clusters.agreement)
    if stability < MIN_STABILITY:
        raise GanbenchError(
            f"{count} clusters of these images are not stable: of other samples of them k-means makes other clusters "
            f"(adjusted Rand index {stability:.2f}, but at least {MIN_STABILITY:.2f} is needed); ask for fewer, or "
            f"give better features with --features FILE"
        )
    return clusters.labels, Clustering(origin, len(clusters.agreement), stability, lowest)
