"""PacGAN's two experiments on Stacked-MNIST, with modes counted by its classifier."""

from __future__ import annotations

from collections.abc import Mapping

from ganbench.core.registry import register
from ganbench.evaluation.protocols.base import PROTOCOLS, Case, Protocol
from ganbench.evaluation.protocols.pacgan_2018 import Pacgan2018, Pacgan2018Unrolled, seen_by

CLASSIFIER = "pacgan-cnn-1"


@register(PROTOCOLS, "pacgan-stacked-2018")
class PacganStacked2018(Protocol):
    """`pacgan-2018` on Stacked-MNIST with modes counted by PacGAN's classifier (Lin et al. 2018, arXiv:1712.04086).

    26,000 images, KL(generated ‖ uniform) in nats; 28×28, 128,000 fixed triples of the pooled 70,000 digits. The
    classifier is rebuilt from the authors' network and training script, since its weights are not published; it has
    99.20 % of test digits right. 26,000 real images of one mode are credited with 20 modes. It is assumed that the
    authors' training has given them a classifier with as many errors.

    A floor is the mean of 16 draws of real samples seen by the same classifier. The verdict is that of our evaluator.
    """

    def cases(self) -> Mapping[str, Case]:
        return seen_by(CLASSIFIER, Pacgan2018().cases())


@register(PROTOCOLS, "pacgan-stacked-2018-unrolled")
class PacganStacked2018Unrolled(Protocol):
    """`pacgan-2018-unrolled` with modes counted by PacGAN's classifier (Lin et al. 2018, arXiv:1712.04086, Table 3).

    25,600 images, KL(generated ‖ uniform) in nats; 28×28, new triples of the 60,000 training digits in every batch. The
    classifier and what is assumed about it are those of `pacgan-stacked-2018`: the experiments share its script. The
    authors score a generator with the BatchNorm statistics of each batch of 128; here it has running statistics.

    A floor is the mean of 16 draws of real samples seen by the same classifier. The verdict is that of our evaluator.
    """

    def cases(self) -> Mapping[str, Case]:
        return seen_by(CLASSIFIER, Pacgan2018Unrolled().cases())
