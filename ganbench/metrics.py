"""Metrics as functions of bare arrays: vectors [N, d], such as features that a network has of images, or labels [N].

They are the suite's metrics: each function checks its arrays, and calls the component with the same name. Arrays may be
NumPy's or any framework's, or tensors. Vectors are rounded to float32, as an evaluator's features are, and the CPU
computes. Functions raise `GanbenchError` where the number would mean nothing.
"""

from __future__ import annotations

import numbers

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ganbench.core.errors import GanbenchError
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.bare_arrays import as_array, checked_vectors, features_of, is_whole, reference_of
from ganbench.evaluation.metrics import Metric, UndefinedMetricError
from ganbench.evaluation.metrics.clipped_coverage import ClippedCoverage
from ganbench.evaluation.metrics.clipped_density import ClippedDensity
from ganbench.evaluation.metrics.coverage import Coverage
from ganbench.evaluation.metrics.density import Density
from ganbench.evaluation.metrics.fid import Fid
from ganbench.evaluation.metrics.jsd import Jsd
from ganbench.evaluation.metrics.kid import Kid
from ganbench.evaluation.metrics.kl import Kl
from ganbench.evaluation.metrics.kl_corrected import CorrectedKl
from ganbench.evaluation.metrics.modes_strict import StrictModes
from ganbench.evaluation.metrics.ndb import Ndb
from ganbench.evaluation.metrics.near_duplicates import NearDuplicates
from ganbench.evaluation.metrics.precision import Precision
from ganbench.evaluation.metrics.recall import Recall
from ganbench.evaluation.metrics.retrieval import Retrieval
from ganbench.evaluation.metrics.vendi import Vendi

__all__ = [
    "clipped_coverage",
    "clipped_density",
    "coverage",
    "density",
    "fid",
    "jsd",
    "kid",
    "kl",
    "kl_corrected",
    "lost_modes",
    "mode_shares",
    "modes_strict",
    "ndb",
    "near_duplicates",
    "precision",
    "recall",
    "retrieval",
    "vendi",
]

SAMPLES = 10_000
"""Number of the first vectors of either set that are used; at most as many as the smaller set has."""


def precision(*, fake: object, real: object, k: int = Precision.k, samples: int = SAMPLES) -> float:
    """Share of generated vectors inside the ball of a real one, which reaches to its k-th neighbour, in [0, 1]."""
    return _of_vectors(Precision(k=_count("k", k), samples=_count("samples", samples)), fake, real)


def recall(*, fake: object, real: object, k: int = Recall.k, samples: int = SAMPLES) -> float:
    """Share of real vectors inside the ball of a generated one, which reaches to its k-th neighbour, in [0, 1]."""
    return _of_vectors(Recall(k=_count("k", k), samples=_count("samples", samples)), fake, real)


def density(*, fake: object, real: object, k: int = Density.k, samples: int = SAMPLES) -> float:
    """Mean number of real balls that contain a generated vector, divided by k; about 1 for real data."""
    return _of_vectors(Density(k=_count("k", k), samples=_count("samples", samples)), fake, real)


def coverage(*, fake: object, real: object, k: int = Coverage.k, samples: int = SAMPLES) -> float:
    """Share of real vectors whose ball contains a generated one, in [0, 1]; about 1 − 2^(−k) for real data."""
    return _of_vectors(Coverage(k=_count("k", k), samples=_count("samples", samples)), fake, real)


def clipped_density(*, fake: object, real: object, k: int = ClippedDensity.k, samples: int = SAMPLES) -> float:
    """`density` with clipped balls and counts, over its value for the real vectors, in [0, 1]."""
    return _of_vectors(ClippedDensity(k=_count("k", k), samples=_count("samples", samples)), fake, real)


def clipped_coverage(*, fake: object, real: object, k: int = ClippedCoverage.k, samples: int = SAMPLES) -> float:
    """Share of perfect vectors that would cover the real ones as well, in [0, 1]; about 1 for real data."""
    return _of_vectors(ClippedCoverage(k=_count("k", k), samples=_count("samples", samples)), fake, real)


def near_duplicates(*, fake: object, real: object, samples: int = SAMPLES) -> float:
    """Share of generated vectors nearer to another one than 99 % of real ones are; about 1 % for real data."""
    return _of_vectors(NearDuplicates(samples=_count("samples", samples)), fake, real)


def retrieval(*, fake: object, real: object, samples: int = SAMPLES) -> float:
    """Share of real vectors that generated ones retrieve, over the same for real ones; about 1 for real data.

    At least 100 vectors of either are needed.
    """
    return _of_vectors(Retrieval(samples=_count("samples", samples)), fake, real)


def ndb(*, fake: object, real: object, bins: int = Ndb.bins, samples: int = SAMPLES) -> float:
    """Share of bins with significantly too many or too few generated vectors, in [0, 1]; about 5 % for real data.

    At least as many vectors as bins are needed.
    """
    return _of_vectors(Ndb(bins=_count("bins", bins), samples=_count("samples", samples)), fake, real)


def kid(*, fake: object, real: object, samples: int = SAMPLES) -> float:
    """Unbiased squared MMD with the kernel (x·y / d + 1)³; about 0, perhaps a little below, for real data."""
    return _of_vectors(Kid(samples=_count("samples", samples)), fake, real)


def fid(*, fake: object, real: object) -> float:
    """Fréchet distance of Gaussians fitted to all vectors, ≥ 0; only numbers with equal N and d can be compared.

    On features of Inception it is the published FID; on others name the network with the number.

    Raises:
        GanbenchError: a set has no more vectors than they have dimensions, so that its covariance is singular.
    """
    for name, vectors in (("fake", fake), ("real", real)):
        checked = _vectors(name, vectors, None)
        if len(checked) <= checked.shape[1]:
            raise GanbenchError(
                f"{name}: {len(checked):,} vectors are too few for the covariance of {checked.shape[1]:,} dimensions: "
                f"give more vectors than dimensions"
            )
    return _of_vectors(Fid(), fake, real)


def vendi(fake: object) -> float:
    """Effective number of different vectors by their directions, from 1 to the lower of N and d."""
    return _of_vectors(Vendi(), fake, fake)


def mode_shares(labels: object, modes: int) -> npt.NDArray[np.float64]:
    """Share of the labels 0 … K − 1, float64 [K], for K modes.

    Raises:
        GanbenchError: labels that aren't whole numbers in this range, or none.
    """
    checked = _labels("labels", labels, _count("modes", modes))
    shares: npt.NDArray[np.float64] = (torch.bincount(checked, minlength=modes).double() / len(checked)).numpy()
    return shares


def kl(*, fake: object, real: object, modes: int) -> float:
    """KL(generated ‖ real) of the shares of labels, nats; (K − 1) / 2N for a perfect sampler of K modes.

    Where modes are equally frequent in real data, `real=range(modes)` says so.
    """
    return _of_labels(Kl(), fake, real, modes)


def kl_corrected(*, fake: object, real: object, modes: int) -> float:
    """The `kl` without its first-order bias, nats; 0 on average for a perfect sampler."""
    return _of_labels(CorrectedKl(), fake, real, modes)


def jsd(*, fake: object, real: object, modes: int) -> float:
    """Jensen–Shannon divergence of the shares of labels, nats, in [0, ln 2]."""
    return _of_labels(Jsd(), fake, real, modes)


def modes_strict(*, fake: object, real: object, modes: int) -> float:
    """Number of covered modes: those with two samples, and 1 % of their share in real data."""
    return _of_labels(StrictModes(), fake, real, modes)


def lost_modes(*, fake: object, real: object, modes: int) -> list[int]:
    """Modes that are not covered, ascending; `modes_strict` counts the others."""
    covered = StrictModes().covered(*_labelled(fake, real, modes))
    return [int(mode) for mode in (~covered).nonzero().flatten()]


def _of_vectors(metric: Metric, fake: object, real: object) -> float:
    reference = _vectors("real", real, None)
    generated = _vectors("fake", fake, reference.shape[1])
    if bool((reference == reference[0]).all()):
        raise GanbenchError("real: all of these vectors are the same one")
    return _value(metric, features_of(generated), reference_of(reference))


def _of_labels(metric: Metric, fake: object, real: object, modes: int) -> float:
    return _value(metric, *_labelled(fake, real, modes))


def _value(metric: Metric, fake: Features, real: Reference) -> float:
    try:
        with torch.no_grad(), torch.autocast("cpu", enabled=False):
            return metric(fake=fake, real=real)
    except UndefinedMetricError as error:
        raise GanbenchError(f"{metric.name} is undefined: {error}") from error


def _labelled(fake: object, real: object, modes: int) -> tuple[Features, Reference]:
    """Labels as features of which nothing else is known.

    Raises:
        GanbenchError: they aren't whole numbers from 0 to K − 1, or a mode has no real sample.
    """
    generated, true = (_labels(name, of, _count("modes", modes)) for name, of in (("fake", fake), ("real", real)))
    counts = torch.bincount(true, minlength=modes)
    if not bool(counts.all()):
        raise GanbenchError(f"real: no sample has label {int((counts == 0).nonzero()[0])}, so it can't be a mode")
    weights = counts.double() / len(true)
    sets = ({**vars(features_of(of[:, None].float())), "labels": of, "modes": modes} for of in (generated, true))
    return Features(**next(sets)), Reference(**next(sets), weights=weights, training=None)


def _vectors(name: str, vectors: object, width: int | None) -> Tensor:
    try:
        return checked_vectors(vectors, width)
    except GanbenchError as error:
        raise GanbenchError(f"{name}: {error}") from error


def _labels(name: str, labels: object, modes: int) -> Tensor:
    array = as_array(np.asarray(labels) if isinstance(labels, list | tuple | range) else labels)
    not_numbers = isinstance(array, Tensor) and (array.dtype == torch.bool or array.is_complex())
    if not_numbers or not is_whole(array):
        raise GanbenchError(f"{name} must be an array of whole numbers, the label of each sample")
    tensor = torch.as_tensor(array).detach().cpu().long()
    if tensor.ndim != 1 or len(tensor) == 0:
        raise GanbenchError(f"{name} must be labels [N], at least one, not of shape {list(tensor.shape)}")
    if int(tensor.min()) < 0 or int(tensor.max()) >= modes:
        raise GanbenchError(
            f"{name} must be labels from 0 to {modes - 1}, not {int(tensor.min())} to {int(tensor.max())}"
        )
    return tensor


def _count(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise GanbenchError(f"{name} must be a whole number from 1, not {value!r}")
    return int(value)
