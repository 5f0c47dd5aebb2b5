"""The protocol of maximum-entropy generators, with modes counted by their classifier."""

from __future__ import annotations

from collections.abc import Mapping

from ganbench.core.registry import register
from ganbench.evaluation.protocols.base import PROTOCOLS, Case, Protocol
from ganbench.evaluation.protocols.meg_2019 import Meg2019
from ganbench.evaluation.protocols.pacgan_2018 import seen_by


@register(PROTOCOLS, "meg-stacked-2019")
class MegStacked2019(Protocol):
    """`meg-2019` with modes counted by MEG's classifier, dropout left on (Kumar et al. 2019, arXiv:1901.08508).

    26,000 images, KL(generated ‖ uniform) in nats; 28×28, 128,000 fixed triples of the 60,000 training digits. The
    classifier is rebuilt from the authors' network and training script, since its weights are not published; it has
    93.95 % of test digits right, and 97.74 % without dropout. 26,000 real images of one mode are credited with 148
    modes. It is assumed that the authors' training has given them a classifier with as many errors. Masks of dropout
    are a hash of the image, not random: copies of an image are in the same mode.

    A floor is the mean of 16 draws of real samples seen by the same classifier. The verdict is that of our evaluator.
    """

    def cases(self) -> Mapping[str, Case]:
        return seen_by("meg-cnn-1", Meg2019().cases())
