"""The critic's loss shared by all objectives that train it as a classifier; their generator losses differ."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import softplus

from ganbench.methods.losses.base import Loss


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """Base class: the critic classifies, with cross-entropy loss (Goodfellow et al. 2014, arXiv:1406.2661, eq. 1).

    It minimises −E[(1 − s) log σ(x) + s log(1 − σ(x))] − E log(1 − σ(G)), where x and G are its logits on real and on
    generated samples and s is `smoothing`, in [0, 1): one-sided label smoothing (Salimans et al. 2016,
    arXiv:1606.03498, section 3.4) asks for 1 − s instead of 1 where a sample is real, and still for 0 where it isn't.

    Raises:
        ValueError: `smoothing` is not in [0, 1).
    """

    smoothing: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.smoothing < 1:
            raise ValueError(f"smoothing must be in [0, 1), not {self.smoothing}")

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        s = self.smoothing
        return ((1 - s) * softplus(-real) + s * softplus(real)).mean() + softplus(fake).mean()
