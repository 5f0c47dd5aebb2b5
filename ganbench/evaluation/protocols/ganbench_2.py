"""The protocol of ganbench itself, version 2: two opinions on images, more about variety, floors with their noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data import Dataset
from ganbench.data.evaluators.second_opinion import PLAUSIBLE
from ganbench.evaluation.metrics import METRICS
from ganbench.evaluation.protocols.base import FLOOR_DRAWS, PROTOCOLS, Case, ProtocolOfAnyData
from ganbench.evaluation.protocols.ganbench_1 import OF_MODES, SURE_AND_TYPICAL, WITHIN_3_SIGMA, metrics_named

OF_SETS = (
    *("precision", "recall", "density", "coverage"),
    *("near_duplicates", "different_samples", "width", "displacement", "exact_copies_of_reference"),
)
WITHIN_MODES = ("worst_mode_coverage", "worst_mode_recall", "retrieval")
OF_FEATURES = ("fid", "kid", "ndb", "ndb_jsd", "vendi", "vendi_2", "vendi_inf", "vendi_within", "ms_ssim_within")
OF_CLASSES = ("clipped_density", "clipped_coverage", "mnist_score", "confidence", "copies_of_training")
OF_SECOND_SPACE = ("second_frechet", "second_precision", "second_recall", "second_coverage")
POINTS_WITHIN_MODES = 5_000
"""Number of points of each set by which modes are searched for what is missing within them."""
HEADLINE = ("modes_strict", "hq", "kl", "worst_mode_coverage")
"""The most important metrics, for compact output: are all modes there, are samples sharp, do they vary within modes?"""
QUICK = ("modes", "modes_strict", "hq", "kl", "width", "near_duplicates")
"""The metrics of points during training."""


@register(PROTOCOLS, "ganbench-2")
class Ganbench2(ProtocolOfAnyData):
    """Every metric we have, with its floor and the floor's noise, on any data set whose modes are known (version 2).

    - As in ganbench-1: the samples (50,000 points or Stacked-MNIST images; 10,000 MNIST and Fashion-MNIST images), the
      counts of modes, and KL in nats against the shares in the training data, over all samples.
    - A good image must be accepted by two networks: within 3 σ of its class with the classifier ≥ 90 % sure, as in
      ganbench-1, and plausible to a second one, which knows no labels and was trained to tell real images from
      corrupted ones. A classifier alone accepts a third of noise with the right covariance. Points have no second
      opinion: their density is known.
    - Variety within modes: coverage and recall of the worst mode, retrieval, width around the mode's own centre, and
      apart from it the displacement of the centre. Copies of the reference and of training images are counted.
    - A floor is the mean of 16 draws of real samples, printed with its standard deviation. Points come from an exact
      sampler, images from the training set.
    """

    version: ClassVar[int] = 1

    def cases(self) -> Mapping[str, Case]:
        names = (*OF_MODES, *OF_FEATURES, *OF_SETS, *WITHIN_MODES, *OF_CLASSES, *OF_SECOND_SPACE)
        labelled = Case(
            10_000,
            replace(SURE_AND_TYPICAL, plausibility=PLAUSIBLE),
            metrics_named(*names),
            ("fid", *QUICK, "confidence"),
            headline=("fid", *HEADLINE),
            mode_count="modes_strict",
            second_opinion=True,
            floor_draws=FLOOR_DRAWS,
        )
        # A thousand modes have too few samples each to look within them, and too many images to search for copies.
        impossible = (*WITHIN_MODES, "mnist_score", "copies_of_training")
        stacked = metrics_named(*(name for name in names if name not in impossible))
        points = Case(
            50_000,
            WITHIN_3_SIGMA,
            metrics_named(*OF_MODES, *OF_SETS, "ndb", "ndb_jsd")
            | {name: METRICS.create({"name": name, "samples": POINTS_WITHIN_MODES}) for name in WITHIN_MODES},
            QUICK,
            headline=HEADLINE,
            mode_count="modes_strict",
            floor_draws=FLOOR_DRAWS,
        )
        return {
            "mnist": labelled,
            "fashion-mnist": labelled,
            "stacked-mnist": replace(
                labelled, samples=50_000, metrics=stacked, headline=("fid", *HEADLINE[:-1], "coverage")
            ),
            "ring": points,
            "grid": points,
            "imbalanced-ring": points,
        }

    def case(self, dataset: Dataset) -> Case:
        """The settings for a data set; a plug-in's data set gets those of its kind, with the opinions that it has."""
        case = super().case(dataset)
        if not case.second_opinion or dataset.opinion:
            return case
        metrics = {name: metric for name, metric in case.metrics.items() if name not in OF_SECOND_SPACE}
        return replace(case, rule=SURE_AND_TYPICAL, metrics=metrics, second_opinion=False)
