"""Arrays of other people's code: their checks, and vectors as features without an evaluator."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ganbench.core.errors import GanbenchError
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.samples.ranges import to_float


def as_array(samples: object) -> object:
    """Samples of other frameworks as NumPy arrays; tensors and arrays as they are."""
    if isinstance(samples, Tensor | np.ndarray) or not hasattr(samples, "__array__"):
        return samples
    return np.asarray(samples)


def all_finite(samples: object) -> bool:
    """False if an array or a tensor has NaN or infinity in it."""
    if isinstance(samples, Tensor):
        return not samples.is_floating_point() or samples.is_meta or bool(torch.isfinite(samples).all())
    return not (isinstance(samples, np.ndarray) and samples.dtype.kind == "f") or bool(np.isfinite(samples).all())


def is_whole(samples: object) -> bool:
    """True for arrays and tensors of whole numbers."""
    if isinstance(samples, Tensor):
        return not samples.is_floating_point()
    return isinstance(samples, np.ndarray) and samples.dtype.kind in "ui"


def checked_vectors(vectors: object, width: int | None) -> Tensor:
    """Vectors as float32 [N, d] on the CPU, N and d at least 1.

    Raises:
        GanbenchError: wrong type or shape, or values that aren't finite.
    """
    array = as_array(vectors)
    if not isinstance(array, Tensor | np.ndarray) or isinstance(array, np.ma.MaskedArray):
        raise GanbenchError(f"vectors must be an array or a tensor, not {type(vectors).__name__}")
    if array.ndim != 2:
        advice = ": of images, features of a network of yours are compared (features)" if array.ndim in (3, 4) else ""
        raise GanbenchError(f"vectors must have shape [N, d], not {list(array.shape)}{advice}")
    if width is not None and array.shape[1] != width:
        raise GanbenchError(f"these vectors have {array.shape[1]:,} numbers each, and real ones have {width:,}")
    if array.shape[1] == 0 or is_whole(array):
        raise GanbenchError("vectors must be floats, at least one number each")
    if len(array) == 0:
        raise GanbenchError("there are no vectors")
    if not all_finite(array):
        raise GanbenchError("there are NaN or infinity in these vectors")
    if isinstance(array, Tensor):
        values = array.detach().float().cpu().contiguous().clone()
        if not all_finite(values):
            raise GanbenchError("numbers in these vectors are too large for float32")
        return values
    if array.dtype.kind != "f":
        raise GanbenchError(f"vectors must be floats, not {array.dtype}")
    return torch.from_numpy(to_float(array))


def features_of(vectors: Tensor) -> Features:
    """Vectors [N, d] as their own embedding, all good, in a single mode."""
    one = torch.ones(len(vectors), device=vectors.device)
    return Features(
        samples=vectors,
        embedding=vectors,
        labels=one.long() - 1,
        modes=1,
        deviation=one[:, None] - 1,
        good=one.bool(),
        probabilities=None,
        confidence=one,
    )


def reference_of(vectors: Tensor) -> Reference:
    """Vectors [N, d] as real samples of a single mode; there are no training data."""
    return Reference(**vars(features_of(vectors)), weights=torch.ones(1).double(), training=None)
