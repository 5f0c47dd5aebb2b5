"""The protocol of self-conditioned GANs for Stacked-MNIST, with modes counted by their classifier."""

from __future__ import annotations

from collections.abc import Mapping

from ganbench.core.registry import register
from ganbench.evaluation.protocols.base import PROTOCOLS, Case, Protocol
from ganbench.evaluation.protocols.pacgan_2018 import seen_by
from ganbench.evaluation.protocols.selfcond_2020 import Selfcond2020


@register(PROTOCOLS, "selfcond-stacked-2020")
class SelfcondStacked2020(Protocol):
    """`selfcond-2020` with modes counted by its own classifier, dropout left on (Liu et al. 2020, arXiv:2006.10728).

    50,000 images, KL(generated ‖ uniform) to base 10; scaled to 32×32, 100,000 triples of the 60,000 training digits.
    The classifier is rebuilt from the authors' network and training script, since its weights are not published; it has
    96.33 % of test digits right, and 97.29 % without dropout. 26,000 real images of one mode are credited with 70
    modes. It is assumed that the authors' training has given them a classifier with as many errors. Masks of dropout
    are a hash of the image, not random: copies of an image are in the same mode.

    A floor is the mean of 16 draws of real samples seen by the same classifier. The verdict is that of our evaluator.
    """

    def cases(self) -> Mapping[str, Case]:
        return seen_by("selfcond-mlp-1", Selfcond2020().cases())
