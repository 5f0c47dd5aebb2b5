"""Clusters of images by their features, found by k-means, and a check that they are stable.

Clusters are kept only if other samples of the same images would give nearly the same ones: where data have no groups,
k-means finds some nevertheless, and finds others each time.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.cluster.vq import kmeans2, vq

from ganbench.data.own.recipe import Progress

STARTS = 5
"""Number of times that k-means begins, each time elsewhere; the closest clusters are taken."""
ROUNDS = 50
RESAMPLES = 20
"""Number of bootstrap resamples of the training images by which stability is measured."""
MAX_FITTED = 5_000
"""The most images that centres are fitted to at once: a random sample of them, if there are more."""

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Clusters:
    """The clusters of all images.

    Attributes:
        labels: int64 [N], numbered from the largest cluster to the smallest.
        agreement: for each resample of the training images, the adjusted Rand index of its clusters and these ones, on
            the other images.
    """

    labels: Labels
    agreement: tuple[float, ...]


def find_clusters(features: Floats, train: npt.NDArray[np.bool_], count: int, progress: Progress) -> Clusters:
    """Find clusters of the training images, assign all images to them, and measure how stable they are.

    Args:
        features: float64 [N, d].
        train: bool [N].
        count: number of clusters.
    """
    random = np.random.default_rng(0)
    fitted, others = features[train], features[~train]
    labels = vq(features, _centres(_some(fitted, random), count, random))[0].astype(np.int64)
    here, agreement = labels[~train], []
    for number in range(RESAMPLES):
        resampled = fitted[random.integers(0, len(fitted), min(len(fitted), MAX_FITTED))]
        there = vq(others, _centres(resampled, count, random))[0].astype(np.int64)
        agreement.append(adjusted_rand_index(here, there))
        progress("checking that clusters are stable", number + 1, RESAMPLES)
    sizes = np.bincount(labels, minlength=count)
    rank = np.argsort(np.argsort(-sizes, kind="stable"), kind="stable")
    return Clusters(rank[labels], tuple(agreement))


def adjusted_rand_index(first: Labels, second: Labels) -> float:
    """Agreement of two clusterings of the same items: 1 if they are the same, 0 as by chance (Hubert and Arabie 1985).

    Args:
        first, second: int64 [N], from 0.
    """
    table = np.zeros((first.max() + 1, second.max() + 1))
    np.add.at(table, (first, second), 1)
    together, in_first, in_second = (
        float((counts * (counts - 1) / 2).sum()) for counts in (table, table.sum(1), table.sum(0))
    )
    by_chance = in_first * in_second / (len(first) * (len(first) - 1) / 2)
    most = (in_first + in_second) / 2
    return 1.0 if most == by_chance else (together - by_chance) / (most - by_chance)


def _some(features: Floats, random: np.random.Generator) -> Floats:
    return features[random.permutation(len(features))[:MAX_FITTED]]


def _centres(features: Floats, count: int, random: np.random.Generator) -> Floats:
    """The centres of the closest of several clusterings, float64 [count, d]."""
    best, least = features[:count], np.inf
    for _ in range(STARTS):
        # An empty cluster is a bad start, and so is a centre where no image is left to be one; others are better.
        with warnings.catch_warnings(), np.errstate(invalid="ignore"):
            warnings.simplefilter("ignore", UserWarning)
            centres, _ = kmeans2(features, count, iter=ROUNDS, minit="++", rng=random)
        spread = float((vq(features, centres)[1] ** 2).sum())
        if spread < least:
            best, least = centres, spread
    return best
