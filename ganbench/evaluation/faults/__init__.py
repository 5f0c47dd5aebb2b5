"""Planted faults: samples with known answers, made from real samples that were not used for training."""

from ganbench.evaluation.faults.base import JITTERED, LOST_MODES, SHIFTED, Planted, Source, Word, common_faults
from ganbench.evaluation.faults.images import HELD_OUT, ImageSource, image_faults
from ganbench.evaluation.faults.points import PointSource, point_faults

__all__ = [
    "HELD_OUT",
    "JITTERED",
    "LOST_MODES",
    "SHIFTED",
    "ImageSource",
    "Planted",
    "PointSource",
    "Source",
    "Word",
    "common_faults",
    "image_faults",
    "point_faults",
]
