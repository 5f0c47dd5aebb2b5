"""The metrics of `ganbench.metrics` as classes of torchmetrics: `update`, `compute`, `reset`, and sync over processes.

All vectors are kept until `reset`, since distances between them don't add up over batches. With several processes, the
value is that of the vectors of all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor

from ganbench import metrics
from ganbench.core.errors import GanbenchError

try:
    from torchmetrics import Metric
    from torchmetrics.utilities import dim_zero_cat
except ImportError as error:
    raise GanbenchError(
        "ganbench.torchmetrics takes torchmetrics, which isn't installed: pip install 'ganbench[torchmetrics]'"
    ) from error

__all__ = [
    "Coverage",
    "Density",
    "Fid",
    "Kid",
    "ModeCoverage",
    "NearDuplicates",
    "Precision",
    "Recall",
]


class _OfSamples(Metric):
    """A metric of all generated and real samples so far.

    Attributes:
        fake, real: the samples so far.
    """

    is_differentiable = False
    full_state_update = False
    fake: list[Tensor]
    real: list[Tensor]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name in ("fake", "real"):
            self.add_state(name, default=[], dist_reduce_fx="cat")

    def update(self, samples: Tensor | None = None, *, real: Tensor | None = None) -> None:
        """Add generated samples, real ones, or both, the same kind of tensor each time.

        Raises:
            GanbenchError: something other than a tensor, as `real=True` of other metrics is.
        """
        for name, some in (("samples", samples), ("real", real)):
            if some is not None and not isinstance(some, Tensor):
                raise GanbenchError(f"{name} must be a tensor, not {some!r}: update(generated, real=real_ones)")
        if samples is not None:
            self.fake.append(samples.detach())
        if real is not None:
            self.real.append(real.detach())

    def _all(self) -> dict[str, Tensor]:
        """All samples of either kind.

        Raises:
            GanbenchError: there are none of one kind, or they don't fit together.
        """
        sets = {"fake": self.fake, "real": self.real}
        for name, parts in sets.items():
            # After a sync this is one tensor.
            if len(parts) == 0:
                raise GanbenchError(f"there are no {'generated' if name == 'fake' else 'real'} samples yet")
        try:
            return {name: dim_zero_cat(parts) for name, parts in sets.items()}
        except RuntimeError as error:
            raise GanbenchError("batches of samples must have equal shapes but for their number") from error


class _OfVectors(_OfSamples):
    """A metric of vectors [N, d].

    Args:
        options: options of the function, such as k=5; others are torchmetrics'.
    """

    function: ClassVar[Callable[..., float]]
    options: ClassVar[tuple[str, ...]] = ("k", "samples")

    def __init__(self, **kwargs: Any) -> None:
        chosen = {name: kwargs.pop(name) for name in self.options if name in kwargs}
        super().__init__(**kwargs)
        self.chosen = chosen

    def compute(self) -> Tensor:
        """The metric of all samples so far, a scalar.

        Raises:
            GanbenchError: as of the function with the same name in `ganbench.metrics`.
        """
        value = type(self).function(**self._all(), **self.chosen)
        return torch.tensor(value, device=self.device)


class Precision(_OfVectors):
    """`ganbench.metrics.precision` of vectors [N, d]."""

    higher_is_better = None
    function = staticmethod(metrics.precision)


class Recall(_OfVectors):
    """`ganbench.metrics.recall` of vectors [N, d]."""

    higher_is_better = None
    function = staticmethod(metrics.recall)


class Density(_OfVectors):
    """`ganbench.metrics.density` of vectors [N, d]."""

    higher_is_better = None
    function = staticmethod(metrics.density)


class Coverage(_OfVectors):
    """`ganbench.metrics.coverage` of vectors [N, d]."""

    higher_is_better = True
    function = staticmethod(metrics.coverage)


class NearDuplicates(_OfVectors):
    """`ganbench.metrics.near_duplicates` of vectors [N, d]."""

    higher_is_better = None
    function = staticmethod(metrics.near_duplicates)
    options = ("samples",)


class Kid(_OfVectors):
    """`ganbench.metrics.kid` of vectors [N, d]."""

    higher_is_better = False
    function = staticmethod(metrics.kid)
    options = ("samples",)


class Fid(_OfVectors):
    """`ganbench.metrics.fid` of vectors [N, d]."""

    higher_is_better = False
    function = staticmethod(metrics.fid)
    options = ()


class ModeCoverage(_OfSamples):
    """Share of real modes that generated samples cover, from the labels [N] of either, in [0, 1].

    `ganbench.metrics.modes_strict` divided by the number of modes.

    Args:
        modes: number of modes K; labels are 0 … K − 1.
    """

    higher_is_better = True

    def __init__(self, modes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.modes = modes

    def compute(self) -> Tensor:
        """The share of covered modes, a scalar.

        Raises:
            GanbenchError: as `ganbench.metrics.modes_strict`.
        """
        return torch.tensor(metrics.modes_strict(**self._all(), modes=self.modes) / self.modes, device=self.device)
