"""f-divergences as GAN objectives."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Literal

from torch import Tensor
from torch.nn.functional import softplus

from ganbench.core.registry import register
from ganbench.methods.losses.base import LOSSES, Loss


@dataclass(frozen=True)
class Divergence:
    """D_f(P‖Q) = Σ q f(p/q), represented by the functions in its variational bound.

    Attributes:
        g: the output activation g_f, from any number V to the domain of f*.
        conjugate: f* ∘ g_f as one function of V: composed, it is finite even where g_f(V) alone would be rounded.
    """

    g: Callable[[Tensor], Tensor]
    conjugate: Callable[[Tensor], Tensor]


DIVERGENCES: Mapping[str, Divergence] = MappingProxyType(
    {
        # f*(t) = exp(t − 1)
        "kl": Divergence(g=lambda v: v, conjugate=lambda v: (v - 1).exp()),
        # f*(t) = −1 − log(−t)
        "reverse-kl": Divergence(g=lambda v: -(-v).exp(), conjugate=lambda v: v - 1),
        # f*(t) = −log(2 − exp t)
        "js": Divergence(g=lambda v: math.log(2) - softplus(-v), conjugate=lambda v: softplus(v) - math.log(2)),
        # f*(t) = t²/4 + t
        "pearson": Divergence(g=lambda v: v, conjugate=lambda v: v.square() / 4 + v),
    }
)
GENERATORS = ("divergence", "heuristic")


@register(LOSSES, "f-gan")
class FGan(Loss):
    """f-GAN: the discriminator bounds an f-divergence from below (Nowozin et al. 2016, arXiv:1606.00709, section 2).

    The discriminator maximises E g_f(V(x)) − E f*(g_f(V(G(z)))), where V is its logit, any number. At its optimum this
    is D_f(P‖Q) of data P and generator Q. `divergence` is "kl", "reverse-kl", "js" (twice the Jensen–Shannon
    divergence, as in the paper) or "pearson"; g_f and f* are those of the paper's table 2; for reverse KL,
    g_f(V) = −exp(−V), which rises with V as all others do.

    With `generator` "divergence", G minimises that divergence's bound, −E f*(g_f(V(G(z)))); with "heuristic", it
    maximises E g_f(V(G(z))) instead (section 3.2), as the non-saturating loss does compared with minimax.

    Raises:
        ValueError: there is no such divergence or generator.
    """

    # V is a log-odds for "js" only; its meaning otherwise depends on the divergence.
    output: ClassVar[Literal["probability", "score"]] = "score"

    divergence: str = "kl"
    generator: str = "divergence"

    def __post_init__(self) -> None:
        if self.divergence not in DIVERGENCES:
            raise ValueError(f"divergence must be one of {', '.join(DIVERGENCES)}, not {self.divergence}")
        if self.generator not in GENERATORS:
            raise ValueError(f"generator must be one of {', '.join(GENERATORS)}, not {self.generator}")

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        f = DIVERGENCES[self.divergence]
        return f.conjugate(fake).mean() - f.g(real).mean()

    def generator_loss(self, fake: Tensor, real: Tensor) -> Tensor:
        f = DIVERGENCES[self.divergence]
        return -f.conjugate(fake).mean() if self.generator == "divergence" else -f.g(fake).mean()
